package folder

import "testing"

func FuzzClips(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x10trak\x00\x00\x00\x08mdia"))
	f.Add([]byte("\x86\x8fV_MPEG4/ISO/AVC\x86\x85A_AAC"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := medium{path: "x", mime: "video/mp4"}
		_, _ = m.judge(mp4Clip(b))
		_, _ = m.judge(matroskaClip(b))
		_, _ = sniff(b, "x.txt")
	})
}

func FuzzPageNumbers(f *testing.F) {
	f.Add("1-3, 5", 9)
	f.Add("4-", 9)
	f.Fuzz(func(t *testing.T, text string, total int) {
		pages, err := pageNumbers(text, total)
		for _, p := range pages {
			if err != nil || p < 1 || p > total {
				t.Errorf("page %d of %d, %v", p, total, err)
			}
		}
		if len(pages) > maxPages {
			t.Errorf("%d pages", len(pages))
		}
	})
}
