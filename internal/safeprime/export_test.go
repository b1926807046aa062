package safeprime

var MillerRabin = millerRabin
