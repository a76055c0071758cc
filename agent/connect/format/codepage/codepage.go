// Package codepage says which characters the bytes of a Windows, DOS or Macintosh code page are.
//
//	.xls before 1997 (CODEPAGE) ─┐
//	                             ├─number──> Of ──> golang.org/x/text
//	RTF (\ansicpg, \fcharset) ───┘
package codepage

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
)

// Of is the encoding of a code page; windows-1252 for those that are not known.
func Of(number int) encoding.Encoding {
	switch number {
	case 437:
		return charmap.CodePage437
	case 850:
		return charmap.CodePage850
	case 852:
		return charmap.CodePage852
	case 855:
		return charmap.CodePage855
	case 858:
		return charmap.CodePage858
	case 860:
		return charmap.CodePage860
	case 862:
		return charmap.CodePage862
	case 863:
		return charmap.CodePage863
	case 865:
		return charmap.CodePage865
	case 866:
		return charmap.CodePage866
	case 874:
		return charmap.Windows874
	case 932, 10001:
		return japanese.ShiftJIS
	case 936:
		return simplifiedchinese.GBK
	case 949, 1361:
		return korean.EUCKR
	case 950:
		return traditionalchinese.Big5
	case 1250:
		return charmap.Windows1250
	case 1251:
		return charmap.Windows1251
	case 1253:
		return charmap.Windows1253
	case 1254:
		return charmap.Windows1254
	case 1255:
		return charmap.Windows1255
	case 1256:
		return charmap.Windows1256
	case 1257:
		return charmap.Windows1257
	case 1258:
		return charmap.Windows1258
	case 10000, 32768:
		return charmap.Macintosh
	case 10007:
		return charmap.MacintoshCyrillic
	case 28591:
		return charmap.ISO8859_1
	case 28592:
		return charmap.ISO8859_2
	case 28605:
		return charmap.ISO8859_15
	case 65001:
		return unicode.UTF8
	}
	return charmap.Windows1252
}

// Of(number) of a \fcharset or of the charset of a Windows font; 0 where the document's own holds.
var charsets = map[int]int{77: 10000, 128: 932, 129: 949, 130: 1361, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255,
	178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250, 254: 437, 255: 850}

// OfCharset is the code page of a Windows font's charset; 0 where the document's own holds.
func OfCharset(charset int) int { return charsets[charset] }

// Double says whether a byte begins a character of two bytes.
func Double(number int, b byte) bool {
	switch number {
	case 932, 10001:
		return b >= 0x81 && b <= 0x9f || b >= 0xe0 && b <= 0xfc
	case 936, 949, 950, 1361:
		return b >= 0x81 && b <= 0xfe
	}
	return false
}
