package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"
	"time"

	"vitrine/cloud/api"
)

// maxPicture bounds a screenshot, bytes.
const maxPicture = 256 << 20

// Client asks the player that runs on a data folder.
type Client struct {
	dir  string
	http *http.Client
}

// Dial makes a client; it connects at the first call.
func Dial(dir string) *Client {
	c := &Client{dir: dir}
	c.http = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		path, done, err := find(dir)
		if err != nil {
			return nil, err
		}
		defer done()
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", path)
	}}}
	return c
}

// Status asks how the player is.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := c.call(ctx, http.MethodGet, "/status", nil)
	if err != nil {
		return s, err
	}
	defer body.Close()
	err = json.NewDecoder(io.LimitReader(body, 16<<20)).Decode(&s)
	return s, err
}

// Import hands the player a bundle on its own disk. trust is the publisher's four words, for a player that trusts nobody
// yet. step hears of the progress; the last one is returned.
func (c *Client) Import(ctx context.Context, path, trust string, step func(Step)) (Step, error) {
	in, err := json.Marshal(struct{ Path, Trust string }{path, trust})
	if err != nil {
		return Step{}, err
	}
	body, err := c.call(ctx, http.MethodPost, "/import", bytes.NewReader(in))
	if err != nil {
		return Step{}, err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		var s Step
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return Step{}, fmt.Errorf("read the player's answer: %w", err)
		}
		if s.Done && s.Error != "" {
			return s, errors.New(s.Error)
		}
		if s.Done {
			return s, nil
		}
		step(s)
	}
	return Step{}, errors.Join(errors.New("the player ended before the bundle was taken; import it again: it goes on where it stopped"), lines.Err())
}

// Screenshot writes a picture of what is really shown, "png" or "jpg", width pixels wide; 0 = as shown.
func (c *Client) Screenshot(ctx context.Context, w io.Writer, as string, width int) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	body, err := c.call(ctx, http.MethodGet, fmt.Sprintf("/screenshot?as=%s&width=%d", as, width), nil)
	if err != nil {
		return err
	}
	defer body.Close()
	n, err := io.Copy(w, io.LimitReader(body, maxPicture))
	if err == nil && n == 0 {
		err = errors.New("the player sent an empty picture; try again")
	}
	return err
}

func (c *Client) call(ctx context.Context, method, path string, in io.Reader) (io.ReadCloser, error) {
	var b []byte
	if in != nil {
		var err error
		if b, err = io.ReadAll(in); err != nil {
			return nil, err
		}
	}
	res, err := c.answer(ctx, method, path, b)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// answer is a call's whole answer, when it is a good one.
func (c *Client) answer(ctx context.Context, method, path string, in []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://player"+path, bytes.NewReader(in))
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("no player is running on %s; start one with `vitrine-player run --data %s`, or name the folder with --data", c.dir, c.dir)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the player on %s belongs to another user; ask as that user, for example with sudo -u vitrine", c.dir)
	case err != nil:
		return nil, fmt.Errorf("ask the player: %w", err)
	case res.StatusCode == http.StatusOK:
		return res, nil
	}
	defer res.Body.Close()
	p := &api.Problem{}
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(p); err != nil {
		return nil, fmt.Errorf("the player answers %s", res.Status)
	}
	return nil, p
}
