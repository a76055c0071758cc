package place

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watchTime is how long the system may take to begin to watch a folder.
const watchTime = 5 * time.Second

// Watch tells of changes of a local file by watching its folder, since editors save by renaming. Shares do not tell what
// others change on them: they are only read again from time to time.
func Watch(path string, changes chan<- struct{}) (stop func(), err error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), watchTime)
	defer cancel()
	if err := (&Held{}).Do(ctx, path, func() error { return w.Add(filepath.Dir(path)) }); err != nil {
		go w.Close() // waits for what hangs
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		follow(w, filepath.Base(path), changes)
	}()
	return func() { w.Close(); <-done }, nil
}

// follow passes on what happens to one name, after it has been quiet for a moment: a file is written in pieces.
func follow(w *fsnotify.Watcher, name string, changes chan<- struct{}) {
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	for {
		select {
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			if filepath.Base(e.Name) == name && !e.Has(fsnotify.Chmod) {
				quiet.Reset(100 * time.Millisecond)
			}
		case _, ok := <-w.Errors:
			if !ok {
				return
			}
			quiet.Reset(100 * time.Millisecond) // events were lost: look
		case <-quiet.C:
			select {
			case changes <- struct{}{}:
			default:
			}
		}
	}
}
