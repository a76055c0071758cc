package agenda

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/go-ntlmssp"

	"vitrine/agent/connect/rows"
)

// exchange asks an Exchange Server on premises through Exchange Web Services: FindItem with a CalendarView, whose single
// times the server makes of rules. It proves itself by NTLM, or Basic where the server offers that.
type exchange struct{ *caller }

const ewsMost = 1000 // entries in one answer

type ewsItem struct {
	UID         string   `xml:"UID"`
	Subject     string   `xml:"Subject"`
	Sensitivity string   `xml:"Sensitivity"`
	Categories  []string `xml:"Categories>String"`
	Start       string   `xml:"Start"`
	End         string   `xml:"End"`
	AllDay      bool     `xml:"IsAllDayEvent"`
	FreeBusy    string   `xml:"LegacyFreeBusyStatus"`
	Location    string   `xml:"Location"`
	Cancelled   bool     `xml:"IsCancelled"`
	Organizer   struct {
		Name  string `xml:"Mailbox>Name"`
		Email string `xml:"Mailbox>EmailAddress"`
	} `xml:"Organizer"`
	ID struct {
		ID string `xml:"Id,attr"`
	} `xml:"ItemId"`
}

type ewsAnswer struct {
	Body struct {
		Fault string `xml:"Fault>faultstring"`
		Find  struct {
			Message struct {
				Class string `xml:"ResponseClass,attr"`
				Text  string `xml:"MessageText"`
				Code  string `xml:"ResponseCode"`
				Root  struct {
					Last  bool      `xml:"IncludesLastItemInRange,attr"`
					Items []ewsItem `xml:"Items>CalendarItem"`
				} `xml:"RootFolder"`
			} `xml:"ResponseMessages>FindItemResponseMessage"`
		} `xml:"FindItemResponse"`
	} `xml:"Body"`
}

// Events implements Agenda.
func (x *exchange) Events(ctx context.Context, w Window, limit int64) ([]Event, []rows.Drop, error) {
	var out []Event
	var told rows.Table
	met := map[string]bool{}
	from := w.From
	for range mostPages {
		items, last, err := x.find(ctx, from, w.To, limit)
		if err != nil {
			return nil, nil, err
		}
		fresh := 0
		for _, it := range items {
			key := it.ID.ID + it.Start
			if met[key] {
				continue
			}
			met[key] = true
			fresh++
			ev, err := it.event(w)
			if err != nil {
				told.Drop(cut(it.Subject, 60), "%v", err)
				continue
			}
			if from = ev.Start; !it.Cancelled { // the next page begins with what the last one ended with
				out = append(out, ev)
			}
		}
		if last || fresh == 0 || len(out) > mostEvents {
			break
		}
	}
	return out, told.Dropped, nil
}

func (x *exchange) find(ctx context.Context, from, to time.Time, limit int64) (items []ewsItem, last bool, err error) {
	mailbox := ""
	if x.Mailbox != "" {
		var b strings.Builder
		if err := xml.EscapeText(&b, []byte(x.Mailbox)); err != nil {
			return nil, false, fmt.Errorf("its mailbox cannot be written: %w", err)
		}
		mailbox = "<t:Mailbox><t:EmailAddress>" + b.String() + "</t:EmailAddress></t:Mailbox>"
	}
	var fields strings.Builder
	for _, f := range []string{"item:Subject", "item:Sensitivity", "item:Categories", "calendar:UID", "calendar:Start", "calendar:End", "calendar:IsAllDayEvent",
		"calendar:LegacyFreeBusyStatus", "calendar:Location", "calendar:IsCancelled", "calendar:Organizer"} {
		fmt.Fprintf(&fields, `<t:FieldURI FieldURI="%s"/>`, f)
	}
	body := fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" `+
		`xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">`+
		`<soap:Header><t:RequestServerVersion Version="Exchange2013"/></soap:Header><soap:Body><m:FindItem Traversal="Shallow"><m:ItemShape>`+
		`<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>%s</t:AdditionalProperties></m:ItemShape>`+
		`<m:CalendarView MaxEntriesReturned="%d" StartDate="%s" EndDate="%s"/><m:ParentFolderIds><t:DistinguishedFolderId Id="calendar">%s</t:DistinguishedFolderId>`+
		`</m:ParentFolderIds></m:FindItem></soap:Body></soap:Envelope>`, fields.String(), ewsMost, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339), mailbox)
	a, err := x.soap(ctx, body, limit)
	if err != nil {
		return nil, false, err
	}
	var got ewsAnswer
	broken := xml.Unmarshal(a.body, &got) // encoding/xml knows no DTDs and no entities of theirs
	m := got.Body.Find.Message
	switch {
	case a.status != http.StatusOK && a.status != http.StatusInternalServerError:
		return nil, false, x.refusal(a, "")
	case broken != nil || got.Body.Fault == "" && m.Class == "":
		return nil, false, fmt.Errorf("%s answered what Exchange Web Services do not: write the address of Exchange.asmx into the source (url)", x.base.Host)
	case got.Body.Fault != "":
		return nil, false, fmt.Errorf("%s cannot answer: %s", x.base.Host, cut(got.Body.Fault, 200))
	case m.Class == "Error" && (m.Code == "ErrorAccessDenied" || m.Code == "ErrorFolderNotFound" || m.Code == "ErrorItemNotFound"):
		return nil, false, fmt.Errorf("%s does not let this account read the calendar of %q: have it shared with it (%s)", x.base.Host, x.Mailbox, m.Code)
	case m.Class == "Error" && m.Code == "ErrorNonExistentMailbox":
		return nil, false, fmt.Errorf("%s has no mailbox %q: look at the source's mailbox (%s)", x.base.Host, x.Mailbox, m.Code)
	case m.Class == "Error":
		return nil, false, fmt.Errorf("%s cannot answer: %s (%s)", x.base.Host, cut(m.Text, 200), m.Code)
	}
	return m.Root.Items, m.Root.Last, nil
}

// soap sends one message. NTLM proves a connection, not a request, so that the client of the library does it.
func (x *exchange) soap(ctx context.Context, body string, limit int64) (answer, error) {
	header := http.Header{"Content-Type": {"text/xml; charset=utf-8"}}
	s, needed, err := x.secret(x.base)
	switch {
	case err != nil:
		return answer{}, err
	case !needed:
		return answer{}, errors.New("an Exchange Server wants to know who asks: name a secret in the source (auth)")
	}
	user := s.User
	if s.Domain != "" && !strings.ContainsAny(user, `\@`) {
		user = s.Domain + `\` + user
	}
	(&http.Request{Header: header}).SetBasicAuth(user, s.Password)
	plain := x.client.Transport
	negotiating := *x.caller
	negotiating.client = &http.Client{Transport: ntlmssp.Negotiator{RoundTripper: plain}, CheckRedirect: x.client.CheckRedirect}
	return negotiating.ask(ctx, http.MethodPost, x.base, header, body, limit)
}

func (it ewsItem) event(w Window) (Event, error) {
	start, err1 := stamp(it.Start)
	end, err2 := stamp(it.End)
	if err1 != nil || err2 != nil || end.Before(start) {
		return Event{}, fmt.Errorf("it is from %.40q to %.40q, which are not times", it.Start, it.End)
	}
	if it.AllDay { // midnights of the mailbox's zone
		start, end = w.nearest(start), w.nearest(end)
	}
	return Event{UID: firstOf(it.UID, it.ID.ID), Title: it.Subject, Start: start, End: end, AllDay: it.AllDay, Place: it.Location,
		Organizer: firstOf(it.Organizer.Name, it.Organizer.Email), Category: strings.Join(it.Categories, ", "), Free: it.FreeBusy == "Free",
		Tentative: it.FreeBusy == "Tentative", Private: it.Sensitivity == "Private" || it.Sensitivity == "Confidential"}, nil
}
