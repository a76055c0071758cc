package writer

// Stepping has a test hear of each instant at which the stick has changed.
func Stepping(cfg Config, heard func()) Config {
	cfg.step = heard
	return cfg
}
