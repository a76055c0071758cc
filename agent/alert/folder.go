package alert

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
)

// The bounds of a watched folder.
const (
	maxNames = 4_096
	maxFiles = 256
)

// Folder reads the messages in the files *.xml of a folder, in the order of their names. It follows no link out of the
// folder, opens nothing but plain files, and reads at most 256 of them. What it could not read is in the error, file by file,
// beside the messages that it could. Taking a file away ends nothing: alerts end by their expiry, or by a Cancel.
func Folder(dir string) ([]*Message, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of alerts: %w", err)
	}
	defer root.Close()
	names, err := list(root)
	if err != nil {
		return nil, fmt.Errorf("list the folder of alerts: %w", err)
	}
	var found []*Message
	var faults []error
	if len(names) > maxFiles {
		faults = append(faults, fmt.Errorf("%s has %d files *.xml, only the first %d are read; take old ones away", dir, len(names), maxFiles))
		names = names[:maxFiles]
	}
	for _, name := range names {
		m, err := file(root, name)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		found = append(found, m)
	}
	return found, errors.Join(faults...)
}

func list(root *os.Root) ([]string, error) {
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	all, err := d.Readdirnames(maxNames)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	names := slices.DeleteFunc(all, func(n string) bool {
		return !strings.HasSuffix(strings.ToLower(n), ".xml") || strings.HasPrefix(n, ".")
	})
	slices.Sort(names)
	return names, nil
}

func file(root *os.Root, name string) (*Message, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // without it a named pipe would hold us up for ever
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a plain file")
	}
	return Parse(f)
}
