//go:build !linux

package gpu

func lowerPriority() {}
