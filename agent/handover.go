package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/parcel"
	"vitrine/agent/control"
	"vitrine/agent/export"
	"vitrine/agent/secret"
	"vitrine/cloud/api"
	"vitrine/usb/importer"
)

const (
	playsOfARun = 200 // in an export, each with the player's signature
	memoHanded  = "handed"
	// exportScratch begins the name of a folder in which an export is made; one that a cut has left goes at the next start.
	exportScratch = "export-"
	pictureWidth  = 1280
	exportsDir    = "exports/" // on a stick, below vitrine/
)

var errOnlyStick = errors.New("an export goes onto the stick that brought its order, so the relay cannot order one: use vitrine export order --stick")

// Export implements mailroom's doer: it is written when the rest of the stick was taken.
func (e errands) Export(o parcel.Export, via string) error {
	if via != "stick" {
		return errOnlyStick
	}
	e.ordered.Store(&o)
	return nil
}

// handed is how far exports have come. Losing it costs only that records are handed over twice.
func (a *Agent) handed() (h control.Handed) {
	if b, ok := a.store.Memo(memoHanded); ok && json.Unmarshal(b, &h) != nil {
		return control.Handed{}
	}
	return h
}

// Kept notes that an export is where it should be for good.
func (a *Agent) Kept(h control.Handed) error {
	if h.N == 0 {
		return nil
	}
	b, err := json.Marshal(control.Handed{Chain: h.Chain, N: h.N})
	if err != nil {
		return err
	}
	return a.store.KeepMemo(memoHanded, b)
}

// WriteExport writes what is ordered to a file of its own, encrypted to whom the order names or, when it names nobody, to whom
// the publisher's settings name. Whoever takes it away calls Kept.
func (a *Agent) WriteExport(ctx context.Context, o parcel.Export) (path string, h control.Handed, err error) {
	if a.me == nil {
		return "", h, errors.New("this player has no identity to sign an export with: see its checks")
	}
	if len(o.To) == 0 {
		o.To = a.mail.ExportTo()
	}
	dir, err := os.MkdirTemp(a.cfg.Dir, exportScratch)
	if err != nil {
		return "", h, fmt.Errorf("make room for the export: %w", err)
	}
	path = filepath.Join(dir, "export")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		h, err = a.fill(ctx, f, o)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return "", h, errors.Join(err, os.RemoveAll(dir))
	}
	return path, h, nil
}

func (a *Agent) fill(ctx context.Context, f *os.File, o parcel.Export) (control.Handed, error) {
	live, _ := a.store.Live()
	st, _ := a.clock.State()
	who := firstOf(live.Settings.ID, api.DeviceKeyID(a.me.Public())[:12])
	h := control.Handed{Name: strings.ToLower(who) + "-" + st.Now.UTC().Format("20060102t150405") + export.Ending}
	to, err := a.me.Recipient()
	if err != nil {
		return h, err
	}
	w, err := export.NewWriter(f, o.To, export.Header{Player: live.Settings.ID, Name: live.Settings.Name, Seal: api.NewSeal(to, a.me.Key()), Version: bundle.AgentVersion,
		Made: st.Now.UTC(), Clock: string(st.Trust)}, a.me.Key())
	if err != nil {
		return h, err
	}
	if o.Plays {
		if err := a.addPlays(ctx, w, &h, o.FromTheLast); err != nil {
			return h, err
		}
	}
	if o.Logs && a.cfg.Logbook != nil {
		err := a.cfg.Logbook.Lines(func(line []byte) error {
			h.Lines++
			return w.Add(export.Item{Log: append([]byte(nil), line...)})
		})
		if err != nil {
			return h, err
		}
	}
	if o.Screenshot {
		if p, err := a.still(ctx); err != nil {
			a.log.Warn("export without a picture", "error", err) // a renderer that is down must not keep the plays here
		} else if err := w.Add(export.Item{Picture: p}); err != nil {
			return h, err
		} else {
			h.Pictures++
		}
	}
	return h, w.Close()
}

// addPlays adds runs of plays, each signed at its end.
func (a *Agent) addPlays(ctx context.Context, w *export.Writer, h *control.Handed, fromTheLast bool) error {
	at := control.Handed{}
	if fromTheLast {
		at = a.handed()
	}
	for ctx.Err() == nil {
		run, ok, err := a.store.PlaysAfter(at.Chain, at.N, playsOfARun)
		if err != nil || !ok {
			return err
		}
		end := run.Plays[len(run.Plays)-1]
		head := api.PlaysHead{Chain: end.Chain, N: end.N, Hash: api.PlayHash(run.Boot, end.Record()), At: a.clock.Now()}
		head.Sign(a.me.Key())
		run.Head = &head
		if err := w.Add(export.Item{Plays: &run}); err != nil {
			return err
		}
		h.Plays += len(run.Plays)
		at.Chain, at.N = end.Chain, end.N
		h.Chain, h.N = end.Chain, end.N
	}
	return ctx.Err()
}

func (a *Agent) still(ctx context.Context) (*export.Picture, error) {
	dir, err := a.store.Scratch()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "screen.jpg")
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := a.playout.Shot(ctx, path, pictureWidth); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, api.MaxScreenshot))
	return &export.Picture{At: a.clock.Now().UTC(), JPEG: b}, err
}

// handOver writes the export that a stick has ordered onto that stick, once the rest of it was taken.
func (t taker) handOver(ctx context.Context, tree *importer.Tree) error {
	o := t.ordered.Swap(nil)
	if o == nil {
		return nil
	}
	path, h, err := t.WriteExport(ctx, *o)
	if err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	gone := func() { _ = os.RemoveAll(filepath.Dir(path)) }
	st, err := os.Stat(path)
	if err != nil {
		gone()
		return err
	}
	err = tree.Reply(importer.Reply{Name: exportsDir + h.Name, Size: st.Size(), Fill: func(_ context.Context, w io.Writer) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	}, Done: func(err error) {
		gone()
		if err == nil {
			err = t.Kept(h)
		}
		if err != nil {
			t.log.Warn("export not on the stick", "error", err)
			return
		}
		t.exported.Store(&h)
		t.log.Info("export is on the stick", "file", h.Name, "plays", h.Plays, "lines", h.Lines, "pictures", h.Pictures)
	}})
	if err != nil {
		gone()
	}
	return err
}

func exportDone(h control.Handed) words {
	return words{[]string{"USB: the export is written", fmt.Sprintf("%d plays; the stick can be removed", h.Plays)},
		[]string{"USB : l’export est écrit", fmt.Sprintf("%d diffusions ; vous pouvez retirer la clé", h.Plays)}}
}

// clearExports removes what a cut has left of exports.
func (a *Agent) clearExports() {
	left, err := filepath.Glob(filepath.Join(a.cfg.Dir, exportScratch+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		a.log.Debug("left exports not removed", "error", err)
	}
}

var errNoVault = errors.New("this player has no vault, because it has no identity: see the check named secrets")

// Secrets implements the control socket's player.
func (a *Agent) Secrets() ([]secret.Entry, error) {
	if a.vault == nil {
		return nil, errNoVault
	}
	return a.vault.List(), a.vault.Fault()
}

// SetSecret implements the control socket's player.
func (a *Agent) SetSecret(name string, s secret.Secret) error {
	if a.vault == nil {
		return errNoVault
	}
	err := a.vault.Set(name, s)
	if err == nil {
		a.log.Info("secret set by hand", "name", name, "hosts", s.Hosts)
		a.board.Set("secrets", a.vault.Fault())
	}
	return err
}

// RemoveSecret implements the control socket's player.
func (a *Agent) RemoveSecret(name string) error {
	if a.vault == nil {
		return errNoVault
	}
	err := a.vault.Remove(name)
	if err == nil {
		a.log.Info("secret taken away by hand", "name", name)
	}
	return err
}
