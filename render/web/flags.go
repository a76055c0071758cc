package web

// flags are what a browser on a screen without a person needs, and what keeps it from talking by itself. Pages have a
// proxy of their own each; the browser's is one that cannot exist, and no name resolves.
func flags() []string {
	return []string{
		"--headless", "--disable-gpu", "--hide-scrollbars", "--mute-audio", "--force-color-profile=srgb", "--no-first-run",
		"--no-default-browser-check", "--no-startup-window", "--noerrdialogs", "--password-store=basic",
		"--autoplay-policy=no-user-gesture-required", "--block-new-web-contents", "--deny-permission-prompts", "--disable-notifications",
		"--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",

		"--proxy-server=" + nowhere, "--proxy-bypass-list=" + nothing, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--disable-quic", "--force-webrtc-ip-handling-policy=disable_non_proxied_udp", "--no-pings",
		"--disable-background-networking", "--disable-component-update", "--disable-component-extensions-with-background-pages",
		"--disable-sync", "--disable-extensions", "--disable-default-apps", "--disable-breakpad", "--disable-crash-reporter",
		"--disable-domain-reliability", "--disable-client-side-phishing-detection", "--metrics-recording-only",
		"--disable-features=Translate,MediaRouter,DialMediaRouteProvider,OptimizationHints,AutofillServerCommunication," +
			"CertificateTransparencyComponentUpdater,SpareRendererForSitePerProcess,InterestFeedContentSuggestions",

		"--disk-cache-size=1", "--media-cache-size=1", "--disable-gpu-shader-disk-cache",
	}
}

const (
	nowhere = "http://proxy.invalid:1" // RFC 6761: never resolves
	nothing = "<-loopback>"            // is reached without the proxy, not even this machine
)
