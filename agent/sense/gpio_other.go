//go:build !linux

package sense

import "errors"

func openLine(Line, func(bool)) (bool, func() error, error) {
	return false, nil, errors.New("GPIO lines need Linux")
}
