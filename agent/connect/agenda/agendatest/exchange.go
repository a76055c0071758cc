package agendatest

import (
	"context"
	"crypto/hmac"
	"crypto/md5" // so is NTLM
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	//lint:ignore SA1019 NTLM is made of it (MS-NLMP, section 3.3.2)
	"golang.org/x/crypto/md4"
)

// Exchange is an Exchange Server's Web Services, FindItem with a CalendarView (MS-OXWSSRCH), behind NTLM (MS-NLMP), or Basic
// where it is offered.
type Exchange struct {
	User, Domain, Password string
	Basic                  bool
	Mailbox                string
	Meetings               []Meeting
	Most                   int // entries in one answer, when fewer than asked for
}

// Serve starts it with TLS; the caller closes it.
func (x *Exchange) Serve() *httptest.Server {
	s := httptest.NewUnstartedServer(x)
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, proven{}, &dialogue{})
	}
	s.StartTLS()
	return s
}

type proven struct{}

// dialogue is what a connection has proved.
type dialogue struct {
	mu        sync.Mutex
	challenge []byte
	done      bool
}

// ServeHTTP implements http.Handler.
func (x *Exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !x.known(w, r) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || r.Method != http.MethodPost || !strings.EqualFold(r.URL.Path, "/EWS/Exchange.asmx") || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/xml") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var ask struct {
		Find struct {
			View struct {
				Most  int    `xml:"MaxEntriesReturned,attr"`
				Start string `xml:"StartDate,attr"`
				End   string `xml:"EndDate,attr"`
			} `xml:"CalendarView"`
			Folder struct {
				ID      string `xml:"Id,attr"`
				Mailbox string `xml:"Mailbox>EmailAddress"`
			} `xml:"ParentFolderIds>DistinguishedFolderId"`
		} `xml:"Body>FindItem"`
	}
	if xml.Unmarshal(body, &ask) != nil {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>a:ErrorSchemaValidation</faultcode><faultstring>The request failed schema validation.</faultstring></s:Fault></s:Body></s:Envelope>`)
		return
	}
	from, err1 := time.Parse(time.RFC3339, ask.Find.View.Start)
	to, err2 := time.Parse(time.RFC3339, ask.Find.View.End)
	switch {
	case err1 != nil || err2 != nil || ask.Find.Folder.ID != "calendar":
		failed(w, "ErrorInvalidRequest", "The request is invalid.")
	case to.Sub(from) > 2*365*24*time.Hour:
		failed(w, "ErrorCalendarViewRangeTooBig", "The specified view range exceeds the maximum range of two years.")
	case ask.Find.Folder.Mailbox != "" && !strings.Contains(ask.Find.Folder.Mailbox, "@"):
		failed(w, "ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
	case ask.Find.Folder.Mailbox != "" && ask.Find.Folder.Mailbox != x.Mailbox:
		failed(w, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	default:
		x.found(w, from, to, ask.Find.View.Most)
	}
}

const ewsHead = `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` +
	`<m:FindItemResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><m:ResponseMessages>`

const ewsFoot = `</m:ResponseMessages></m:FindItemResponse></s:Body></s:Envelope>`

func failed(w http.ResponseWriter, code, text string) {
	fmt.Fprintf(w, ewsHead+`<m:FindItemResponseMessage ResponseClass="Error"><m:MessageText>%s</m:MessageText><m:ResponseCode>%s</m:ResponseCode></m:FindItemResponseMessage>`+ewsFoot, text, code)
}

func (x *Exchange) found(w http.ResponseWriter, from, to time.Time, most int) {
	if x.Most > 0 {
		most = min(most, x.Most)
	}
	var items strings.Builder
	n, last := 0, true
	for _, m := range x.Meetings {
		if !m.within(from, to) {
			continue
		}
		if n++; n > most {
			last = false
			break
		}
		text := func(s string) string {
			var b strings.Builder
			_ = xml.EscapeText(&b, []byte(s)) // into memory
			return b.String()
		}
		start, end := m.Start, m.End
		if m.AllDay { // midnights of the mailbox's zone, which is Paris in winter
			start, end = start.Add(-time.Hour), end.Add(-time.Hour)
		}
		status := map[bool]string{true: "Free", false: "Busy"}[m.Free]
		if m.Tentative {
			status = "Tentative"
		}
		fmt.Fprintf(&items, `<t:CalendarItem><t:ItemId Id="AAMk%s" ChangeKey="D"/><t:Subject>%s</t:Subject><t:Sensitivity>%s</t:Sensitivity><t:UID>%s</t:UID><t:Start>%s</t:Start><t:End>%s</t:End>`+
			`<t:IsAllDayEvent>%v</t:IsAllDayEvent><t:LegacyFreeBusyStatus>%s</t:LegacyFreeBusyStatus><t:Location>%s</t:Location><t:IsCancelled>%v</t:IsCancelled><t:Organizer><t:Mailbox><t:Name>%s</t:Name></t:Mailbox></t:Organizer></t:CalendarItem>`,
			text(m.ID), text(m.Title), map[bool]string{true: "Private", false: "Normal"}[m.Private], text(m.ID), start.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339),
			m.AllDay, status, text(m.Place), m.Cancelled, text(m.Organizer))
	}
	fmt.Fprintf(w, ewsHead+`<m:FindItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:RootFolder IncludesLastItemInRange="%v"><t:Items>%s</t:Items></m:RootFolder></m:FindItemResponseMessage>`+ewsFoot,
		last, items.String())
}

// known says whether a connection, or with Basic a request, has proved who asks.
func (x *Exchange) known(w http.ResponseWriter, r *http.Request) bool {
	d, _ := r.Context().Value(proven{}).(*dialogue)
	if user, password, ok := r.BasicAuth(); ok && x.Basic {
		if strings.EqualFold(user, x.Domain+`\`+x.User) && password == x.Password {
			return true
		}
	}
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	msg, err := base64.StdEncoding.DecodeString(token)
	if d != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.done && token == "" {
			return true
		}
		if err == nil && (kind == "NTLM" || kind == "Negotiate") && len(msg) > 12 && string(msg[:8]) == "NTLMSSP\x00" {
			switch binary.LittleEndian.Uint32(msg[8:]) {
			case 1:
				d.challenge = []byte{1, 35, 69, 103, 137, 171, 205, 239}
				w.Header().Set("WWW-Authenticate", kind+" "+base64.StdEncoding.EncodeToString(challengeMessage(d.challenge, x.Domain)))
				w.WriteHeader(http.StatusUnauthorized)
				return false
			case 3:
				if d.done = x.proved(msg, d.challenge); d.done {
					return true
				}
			}
		}
	}
	w.Header().Add("WWW-Authenticate", "Negotiate")
	w.Header().Add("WWW-Authenticate", "NTLM")
	if x.Basic {
		w.Header().Add("WWW-Authenticate", `Basic realm="exchange"`)
	}
	w.WriteHeader(http.StatusUnauthorized)
	return false
}

// challengeMessage is a CHALLENGE_MESSAGE (MS-NLMP, section 2.2.1.2).
func challengeMessage(challenge []byte, domain string) []byte {
	name := wide(domain)
	info := append(binary.LittleEndian.AppendUint16([]byte{2, 0}, uint16(len(name))), name...) // MsvAvNbDomainName
	info = append(info, 0, 0, 0, 0)
	m := append([]byte("NTLMSSP\x00"), 2, 0, 0, 0)
	field := func(n, at int) {
		m = binary.LittleEndian.AppendUint16(m, uint16(n))
		m = binary.LittleEndian.AppendUint16(m, uint16(n))
		m = binary.LittleEndian.AppendUint32(m, uint32(at))
	}
	field(len(name), 56)
	m = binary.LittleEndian.AppendUint32(m, 0x00000001|0x00000200|0x00080000|0x00800000|0x20000000|0x80000000|0x00010000) // Unicode, NTLM, extended security, target info, 128, 56, domain
	m = append(m, challenge...)
	m = append(m, make([]byte, 8)...)
	field(len(info), 56+len(name))
	m = append(m, 10, 0, 0, 0, 0, 0, 0, 15)
	return append(append(m, name...), info...)
}

// proved checks an AUTHENTICATE_MESSAGE's NTLMv2 response (MS-NLMP, section 3.3.2).
func (x *Exchange) proved(m, challenge []byte) bool {
	field := func(at int) []byte {
		if len(m) < at+8 {
			return nil
		}
		n, off := int(binary.LittleEndian.Uint16(m[at:])), int(binary.LittleEndian.Uint32(m[at+4:]))
		if off+n > len(m) {
			return nil
		}
		return m[off : off+n]
	}
	response, domain, user := field(20), field(28), field(36)
	if len(response) < 24 || challenge == nil || !strings.EqualFold(narrow(user), x.User) {
		return false
	}
	hash := md4.New()
	hash.Write(wide(x.Password))
	sum := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(md5.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	key := sum(hash.Sum(nil), wide(strings.ToUpper(narrow(user))), domain)
	return hmac.Equal(sum(key, challenge, response[16:]), response[:16])
}

func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func narrow(b []byte) string {
	var u []uint16
	for i := 0; i+1 < len(b); i += 2 {
		u = append(u, binary.LittleEndian.Uint16(b[i:]))
	}
	return string(utf16.Decode(u))
}
