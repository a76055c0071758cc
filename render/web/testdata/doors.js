// A page that tries every door of a browser: ADDR is a machine and SECRET a file that it must not see.
const out = [], wait = ms => new Promise(r => setTimeout(r, ms));
const attempt = (name, f) => Promise.race([f().then(() => out.push(name), () => {}), wait(1500)]);
addEventListener('load', async () => {
	const all = [];
	for (const u of ['http://ADDR/', 'https://ADDR/', 'http://localhost:1/', 'http://169.254.169.254/latest/', 'https://[::1]/', 'http://0.0.0.0/', 'SECRET',
		'https://example.com/', 'chrome://version/', 'devtools://devtools/bundled/inspector.html'])
		for (const mode of ['cors', 'no-cors']) all.push(attempt('fetch ' + u, () => fetch(u, {mode})));
	for (const [tag, at] of [['img', 'src'], ['script', 'src'], ['iframe', 'src'], ['link', 'href'], ['video', 'src'], ['object', 'data'], ['embed', 'src']])
		for (const u of ['http://ADDR/' + tag, 'SECRET']) all.push(attempt(tag + ' ' + u, () => new Promise((ok, no) => {
			const e = document.createElement(tag); e.rel = 'stylesheet'; e[at] = u; e.style = 'position:absolute;left:-2000px';
			e.onload = () => { let text = ''; try { text = e.contentDocument.body.textContent } catch {} (tag == 'iframe' || tag == 'object') && !text ? no() : ok() }; e.onerror = no; document.body.append(e); })));
	all.push(attempt('websocket', () => new Promise((ok, no) => { const w = new WebSocket('ws://ADDR/'); w.onopen = ok; w.onerror = no; })));
	all.push(attempt('wss', () => new Promise((ok, no) => { const w = new WebSocket('wss://ADDR/'); w.onopen = ok; w.onerror = no; })));
	all.push(attempt('events', () => new Promise((ok, no) => { const w = new EventSource('http://ADDR/'); w.onopen = ok; w.onerror = no; })));
	all.push(attempt('transport', async () => { const w = new WebTransport('https://ADDR/'); await w.ready; }));
	all.push(attempt('webrtc', async () => {
		const p = new RTCPeerConnection({iceServers: [{urls: 'stun:ADDR'}, {urls: 'turn:ADDR?transport=tcp', username: 'u', credential: 'p'}]});
		p.createDataChannel('x'); await p.setLocalDescription(await p.createOffer());
		await new Promise((ok, no) => { p.onicecandidate = e => e.candidate ? ok() : no(); }); }));
	all.push(attempt('beacon', async () => { navigator.sendBeacon('http://ADDR/', 'x'); throw 0; }));
	all.push(attempt('worker', () => new Promise((ok, no) => {
		const w = new Worker(URL.createObjectURL(new Blob(["fetch('http://ADDR/',{mode:'no-cors'}).then(() => postMessage(1), () => postMessage(0)); importScripts('http://ADDR/')"])));
		w.onmessage = e => e.data ? ok() : no(); w.onerror = no; })));
	all.push(attempt('service worker', async () => { await navigator.serviceWorker.register('sw.js'); throw 0; }));
	all.push(attempt('prefetch', async () => { for (const rel of ['prefetch', 'preconnect', 'dns-prefetch', 'preload', 'prerender']) { const l = document.createElement('link'); l.rel = rel; l.href = 'http://ADDR/'; l.as = 'script'; document.head.append(l); } throw 0; }));
	all.push(attempt('form', async () => { const f = document.createElement('form'); f.action = 'http://ADDR/'; f.target = '_blank'; document.body.append(f); f.submit(); throw 0; }));
	for (const name of ['geolocation', 'camera', 'microphone', 'notifications', 'midi', 'clipboard-read', 'idle-detection', 'local-fonts', 'window-management'])
		all.push(attempt('permission ' + name, async () => { if ((await navigator.permissions.query({name})).state == 'denied') throw 0; }));
	all.push(attempt('camera', () => navigator.mediaDevices.getUserMedia({video: true})));
	all.push(attempt('screen', () => navigator.mediaDevices.getDisplayMedia({video: true})));
	all.push(attempt('usb', () => navigator.usb.requestDevice({filters: []})));
	await Promise.all(all);
	document.title = out.join(', ');
	document.body.style.background = out.length ? 'red' : 'green';
	document.body.append(out.join(', '));
});
