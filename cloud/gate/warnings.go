package gate

import (
	"net/http"
	"strconv"

	"vitrine/cloud/api"
)

func (g *Gate) warnings(w http.ResponseWriter, r *http.Request) error {
	after, err := serialOf(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	from, err := serialOf(r.URL.Query().Get("from"))
	if err != nil {
		return err
	}
	page, err := g.cfg.Depot.Warnings(after, from)
	if err != nil {
		return err
	}
	return Send(w, http.StatusOK, page)
}

// serialOf reads a serial; none is 0.
func serialOf(s string) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, malformed("a warning's serial is a number")
	}
	return n, nil
}

func (g *Gate) putWarning(w http.ResponseWriter, r *http.Request) error {
	serial, err := serialOf(r.PathValue("serial"))
	if err != nil {
		return err
	}
	b, err := body(w, r, api.MaxWarning)
	if err != nil {
		return err
	}
	taken, err := g.cfg.Depot.PutWarning(serial, b, PersonOf(r).Name)
	if err != nil {
		return err
	}
	return Send(w, http.StatusCreated, taken)
}
