/* Gives libmpv 0.35 (Debian 12) the two calls that go-mpv 0.4 expects of newer ones; see render/mpv. */
#pragma once
#include_next <mpv/client.h>
#if MPV_CLIENT_API_VERSION < MPV_MAKE_VERSION(2, 1)
static inline int64_t mpv_get_time_ns(mpv_handle *h) { return mpv_get_time_us(h) * 1000; }
static inline int mpv_del_property(mpv_handle *h, const char *name) {
    const char *args[] = {"del", name, 0};
    return mpv_command(h, args);
}
#endif
