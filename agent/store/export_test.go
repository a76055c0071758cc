package store

// OpenWithFault is Open with a function that is called before each step that a power cut may hit.
func OpenWithFault(cfg Config, fault func(step string) error) (*Store, error) {
	return open(cfg, fault)
}
