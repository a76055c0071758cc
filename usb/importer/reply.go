package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"vitrine/usb/udisks"
)

const (
	maxReplies = 8
	replyRoom  = 1 << 20 // bytes that stay free beside a reply
)

// Reply is a file that goes back onto a stick once its import is over: a result, an export. For it alone the stick is
// mounted for writing.
type Reply struct {
	Name string // below vitrine/, as Tree.File takes them: "results/lobby.json". A file of that name is replaced.
	Size int64  // bytes that it will have at most; more are refused
	Fill func(ctx context.Context, w io.Writer) error
	// Done hears, once, whether the file is on the stick for good; nil = nobody does.
	Done func(error)
}

// Reply asks for a file to be written back. Whether the stick's owner wants that is the caller's to know (Index.Report,
// a ticket, a parcel): nothing is asked here. It is called while the stick is being taken.
func (t *Tree) Reply(r Reply) error {
	switch {
	case !parcelName.MatchString(r.Name) || !strings.Contains(r.Name, "/") || reserved(r.Name):
		return fmt.Errorf("%.80q is no name for a file that a player writes onto a stick", r.Name)
	case len(t.replies) >= maxReplies:
		return fmt.Errorf("%d files are written back onto one stick, not more", maxReplies)
	}
	t.replies = append(t.replies, r)
	return nil
}

// reserved says whether a name belongs to the bundle, which a player never touches.
func reserved(name string) bool {
	folder, _, _ := strings.Cut(name, "/")
	switch folder {
	case "root", "m", "b", "w", "parcels":
		return true
	}
	return false
}

// answer writes the replies onto a stick that is not mounted, and unmounts it again.
func (m *Importer) answer(ctx context.Context, s udisks.Stick, replies []Reply) (err error) {
	if len(replies) == 0 {
		return nil
	}
	told := 0
	defer func() {
		for _, r := range replies[told:] {
			r.done(err)
		}
	}()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	dir, err := m.cfg.Sticks.MountToWrite(ctx, s)
	if err != nil {
		return fmt.Errorf("write back onto the stick: %w", err)
	}
	err = WriteReplies(ctx, dir, replies)
	told = len(replies)
	return errors.Join(err, m.cfg.Sticks.Unmount(context.WithoutCancel(ctx), s))
}

// Replies are what was asked for so far; whoever has mounted the stick himself hands them to WriteReplies.
func (t *Tree) Replies() []Reply { return t.replies }

// WriteReplies writes files onto a stick that is mounted for writing at dir, and waits until the stick has them. Each is
// whole or not there: on vFAT fsync and rename leave a file of no bytes after a pull, so the file system is synced before
// the rename and after it.
func WriteReplies(ctx context.Context, dir string, replies []Reply) error {
	var all error
	for _, r := range replies {
		err := r.write(ctx, dir)
		if err != nil {
			err = fmt.Errorf("write %s onto the stick: %w", r.Name, err)
		}
		r.done(err)
		all = errors.Join(all, err)
	}
	return all
}

func (r Reply) done(err error) {
	if r.Done != nil {
		r.Done(err)
	}
}

func (r Reply) write(ctx context.Context, dir string) (err error) {
	top, err := openFolder(dir, "vitrine")
	if err != nil {
		return err
	}
	defer top.Close()
	at, err := top.enter(path.Dir(r.Name))
	if err != nil {
		return err
	}
	defer at.Close()
	var room unix.Statfs_t
	if err := unix.Fstatfs(at.fd, &room); err != nil {
		return err
	}
	if free := int64(room.Bavail) * room.Bsize; free < r.Size+replyRoom {
		return fmt.Errorf("the stick has %d KiB free and the file needs %d: make room on it", free>>10, (r.Size+replyRoom)>>10)
	}
	base := path.Base(r.Name)
	part := base + ".part"
	f, err := at.create(part)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = unix.Unlinkat(at.fd, part, 0) // best effort: nobody looks for that name
		}
	}()
	if err := r.fill(ctx, f.File); err != nil {
		return err
	}
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return err
	}
	if err := unix.Renameat(at.fd, part, at.fd, base); err != nil {
		return err
	}
	return unix.Syncfs(int(f.Fd()))
}

// fill writes the reply's bytes, no more than it has promised.
func (r Reply) fill(ctx context.Context, f *os.File) error {
	out := bufio.NewWriterSize(&capped{ctx: ctx, to: f, left: r.Size}, 256<<10)
	if err := r.Fill(ctx, out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// capped takes so many bytes.
type capped struct {
	ctx  context.Context
	to   io.Writer
	left int64
}

func (c *capped) Write(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	if c.left -= int64(len(p)); c.left < 0 {
		return 0, errors.New("it has become longer than it was said to be")
	}
	return c.to.Write(p)
}

// enter makes folders that are not there and opens the last, as everything on a stick is opened.
func (f *folder) enter(name string) (*folder, error) {
	made := ""
	for _, part := range strings.Split(name, "/") {
		made = path.Join(made, part)
		parent := f.fd
		if up := path.Dir(made); up != "." {
			fd, err := unix.Openat2(f.fd, up, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: resolve})
			if err != nil {
				return nil, err
			}
			parent = fd
			defer unix.Close(fd)
		}
		if err := unix.Mkdirat(parent, part, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
			return nil, err
		}
	}
	fd, err := unix.Openat2(f.fd, name, &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: resolve})
	if err != nil {
		return nil, err
	}
	return &folder{fd}, nil
}

// create makes a new file in the folder; one that a cut has left there under this name goes first.
func (f *folder) create(name string) (*file, error) {
	if err := unix.Unlinkat(f.fd, name, 0); err != nil && !isAbsent(err) {
		return nil, err
	}
	fd, err := unix.Openat2(f.fd, name, &unix.OpenHow{Flags: unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC, Mode: 0o644, Resolve: resolve})
	if err != nil {
		return nil, err
	}
	return &file{os.NewFile(uintptr(fd), name)}, nil
}
