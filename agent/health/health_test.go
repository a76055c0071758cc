package health_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"vitrine/agent/health"
)

func TestOnlyChangesAreLogged(t *testing.T) {
	var out bytes.Buffer
	b := health.New(slog.New(slog.NewTextHandler(&out, nil)))
	cut := errors.New("the relay does not answer")
	for _, err := range []error{nil, nil, cut, cut, errors.New("still nothing"), nil, nil} {
		b.Set("relay", err)
	}
	if failed, right := strings.Count(out.String(), "check failed"), strings.Count(out.String(), "right again"); failed != 1 || right != 1 {
		t.Errorf("logged %d failures and %d recoveries:\n%s", failed, right, out.String())
	}
	if got := b.Checks()["relay"]; got != health.OK {
		t.Errorf("the last word is %q", got)
	}
	b.Set("relay", cut)
	if got := b.Checks()["relay"]; got != cut.Error() {
		t.Errorf("the last word is %q", got)
	}
	b.Drop("relay")
	if len(b.Checks()) != 0 {
		t.Error("a dropped check is still there")
	}
}
