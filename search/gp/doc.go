// Package gp models a function of a mixed input by a Gaussian process.
//
//	Fit -> Model -> Predict            the latent function at new inputs
//	             -> Posterior -> Predict   the same, given draws of it at the data
//	Classify -> Classifier -> Probability  of a property that some inputs have
//
// An input is a row of coordinates. Of each the package knows one thing: whether
// it is ordered, and distance along it counts, or a category, where two values
// are equal or not. Ordered coordinates should be scaled to about [0, 1]; the
// priors assume it.
//
// The kernel is Matérn 5/2 with a length scale for each coordinate. Its
// parameters are those of the highest posterior density (MAP) under the priors
// of Hvarfner et al. (ICML 2024, arXiv 2402.02229), in which lengths grow with the
// square root of the number of coordinates. Nothing here is random but what is
// drawn from a generator that is given: the same data give the same model, to
// the bit.
package gp
