package bundle

import (
	"crypto/sha256"
	"encoding/binary"
)

// The letters of fingerprint words: consonant, vowel, consonant, vowel. 16 x 4 x 16 x 2 = 2048 words, each said the same
// way by French and English speakers; letters are chosen so that no word is rude in either language.
const (
	wordFirst  = "bcdfgjklmnrstvwz"
	wordVowel  = "aeio"
	wordSecond = "bdfhjlmnprstvxyz"
	wordLast   = "ao"
)

// Words are four words for some bytes, usually a public key or a root: 44 bits of their SHA-256, short enough for two
// people, or one with two screens, to compare.
func Words(b []byte) []string {
	h := sha256.New()
	h.Write([]byte("vitrine-words/1\n"))
	h.Write(b)
	bits := binary.BigEndian.Uint64(h.Sum(nil))
	words := make([]string, 4)
	for i := range words {
		n := bits >> (53 - 11*i) & 2047
		words[i] = string([]byte{wordFirst[n>>7], wordVowel[n>>5&3], wordSecond[n>>1&15], wordLast[n&1]})
	}
	return words
}
