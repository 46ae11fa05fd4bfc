package load

import "strings"

// words are short and common, so that nearly every vocabulary has each as one
// token with its leading blank.
var words = strings.Fields(`
	time year people way day man thing woman life child world school state family student group
	country problem hand part place case week company system program question work number night point home
	water room mother area money story fact month lot right study book eye job word business
	issue side kind head house service friend father power hour game line end member law car
	city name team minute idea body information back parent face others level office door health person
	art war history party result change morning reason research girl guy moment air teacher force education
	foot boy age policy process music market sense nation plan college interest death experience effect use
	class control field development role effort rate heart drug show leader light voice wife police mind`)
