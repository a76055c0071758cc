//go:build gl

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES3/gl3.h>
#include <X11/Xlib.h>
#include <stdlib.h>
#include "egl.h"

struct card {
	Display *x;
	EGLDisplay egl;
	EGLSurface surface;
	EGLContext context;
	GLuint program, frame, table;
	int high;
	GLint to, from, upright, turn, mirror, height;
};

static const char *vertex =
	"#version 300 es\n"
	"void main() { gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0); }\n";

// The arithmetic of package layout: way.of for the place, kernel for scaling, tables.of for the colour.
static const char *fragment =
	"#version 300 es\n"
	"precision highp float; precision highp int; precision highp sampler2D;\n"
	"uniform sampler2D frame, table;\n"
	"uniform ivec4 to, from;\n"
	"uniform ivec2 upright;\n"
	"uniform int turn, mirror, height;\n"
	"out vec4 color;\n"
	"float cubic(float t) {\n"
	"	t = abs(t);\n"
	"	if (t < 1.0) return (1.5*t - 2.5)*t*t + 1.0;\n"
	"	if (t < 2.0) return ((-0.5*t + 2.5)*t - 4.0)*t + 2.0;\n"
	"	return 0.0;\n"
	"}\n"
	"vec3 scaled(ivec2 a) {\n"
	"	vec2 ratio = vec2(from.zw)/vec2(upright), widen = max(vec2(1.0), ratio);\n"
	"	vec2 centre = (vec2(a) + 0.5)*ratio - 0.5;\n"
	"	ivec2 lo = ivec2(ceil(centre - 2.0*widen)), hi = ivec2(floor(centre + 2.0*widen));\n"
	"	vec3 sum = vec3(0.0); float weight = 0.0;\n"
	"	for (int y = lo.y; y <= hi.y; y++) {\n"
	"		float wy = cubic((float(y) - centre.y)/widen.y);\n"
	"		for (int x = lo.x; x <= hi.x; x++) {\n"
	"			float w = wy*cubic((float(x) - centre.x)/widen.x);\n"
	"			sum += w*texelFetch(frame, from.xy + clamp(ivec2(x, y), ivec2(0), from.zw - 1), 0).bgr;\n"
	"			weight += w;\n"
	"		}\n"
	"	}\n"
	"	return clamp(sum/weight, 0.0, 1.0);\n"
	"}\n"
	"void main() {\n"
	"	ivec2 p = ivec2(int(gl_FragCoord.x), height - 1 - int(gl_FragCoord.y)) - to.xy, a = p;\n"
	"	if (turn == 90) a = ivec2(p.y, upright.y - 1 - p.x);\n"
	"	else if (turn == 180) a = upright - 1 - p;\n"
	"	else if (turn == 270) a = ivec2(upright.x - 1 - p.y, p.x);\n"
	"	if (mirror == 1) a.x = upright.x - 1 - a.x;\n"
	"	vec3 c = upright == from.zw ? texelFetch(frame, from.xy + a, 0).bgr : scaled(a);\n"
	"	ivec3 i = ivec3(c*255.0 + 0.5);\n"
	"	color = vec4(texelFetch(table, ivec2(i.r, 0), 0).r, texelFetch(table, ivec2(i.g, 0), 0).g, texelFetch(table, ivec2(i.b, 0), 0).b, 1.0);\n"
	"}\n";

static GLuint shader(GLenum kind, const char *text) {
	GLuint s = glCreateShader(kind);
	glShaderSource(s, 1, &text, NULL);
	glCompileShader(s);
	return s;
}

static GLuint texture(GLenum unit, int width, int height) {
	GLuint t;
	glActiveTexture(unit);
	glGenTextures(1, &t);
	glBindTexture(GL_TEXTURE_2D, t);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, width, height, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
	return t;
}

// config finds what fits the window: EGL wants it to have the window's own visual.
static EGLConfig config(card *c, unsigned long window) {
	static const EGLint want[] = {EGL_SURFACE_TYPE, EGL_WINDOW_BIT, EGL_RENDERABLE_TYPE, EGL_OPENGL_ES3_BIT,
		EGL_RED_SIZE, 8, EGL_GREEN_SIZE, 8, EGL_BLUE_SIZE, 8, EGL_NONE};
	EGLConfig found[256];
	EGLint n = 0;
	XWindowAttributes is;
	if (!XGetWindowAttributes(c->x, window, &is)) return NULL;
	eglChooseConfig(c->egl, want, found, 256, &n);
	for (EGLint i = 0; i < n; i++) {
		EGLint visual = 0;
		eglGetConfigAttrib(c->egl, found[i], EGL_NATIVE_VISUAL_ID, &visual);
		if ((VisualID)visual == XVisualIDFromVisual(is.visual)) return found[i];
	}
	return NULL;
}

// Xlib ends the process at an error unless it is told otherwise; the window's own connection sees the same and says it.
static int ignore(Display *x, XErrorEvent *e) { (void)x; (void)e; return 0; }
static int lost(Display *x) { (void)x; return 0; }
static void stay(Display *x, void *with) { (void)x; (void)with; }

static const char *connect_window(card *c, const char *display, unsigned long window) {
	static const EGLint version[] = {EGL_CONTEXT_CLIENT_VERSION, 3, EGL_NONE};
	if (!(c->x = XOpenDisplay(display[0] ? display : NULL))) return "Xlib cannot open the display";
	XSetErrorHandler(ignore);
	XSetIOErrorHandler(lost);
	XSetIOErrorExitHandler(c->x, stay, NULL);
	PFNEGLGETPLATFORMDISPLAYEXTPROC get = (PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress("eglGetPlatformDisplayEXT");
	c->egl = get ? get(EGL_PLATFORM_X11_KHR, c->x, NULL) : eglGetDisplay((EGLNativeDisplayType)c->x);
	if (c->egl == EGL_NO_DISPLAY || !eglInitialize(c->egl, NULL, NULL)) return "EGL does not start on this display";
	if (!eglBindAPI(EGL_OPENGL_ES_API)) return "EGL has no OpenGL ES";
	EGLConfig conf = config(c, window);
	if (!conf) return "EGL has no OpenGL ES 3 for the screen's kind of pixels";
	if ((c->surface = eglCreateWindowSurface(c->egl, conf, (EGLNativeWindowType)window, NULL)) == EGL_NO_SURFACE) return "EGL cannot draw into the window";
	if ((c->context = eglCreateContext(c->egl, conf, EGL_NO_CONTEXT, version)) == EGL_NO_CONTEXT) return "EGL makes no OpenGL ES 3 context";
	if (!eglMakeCurrent(c->egl, c->surface, c->surface, c->context)) return "EGL cannot use the window";
	eglSwapInterval(c->egl, 1);
	return NULL;
}

const char *card_open(card **out, const char *display, unsigned long window, int width, int height) {
	card *c = calloc(1, sizeof *c);
	const char *err = connect_window(c, display, window);
	if (err) {
		card_close(c);
		return err;
	}
	GLint ok = 0;
	c->program = glCreateProgram();
	glAttachShader(c->program, shader(GL_VERTEX_SHADER, vertex));
	glAttachShader(c->program, shader(GL_FRAGMENT_SHADER, fragment));
	glLinkProgram(c->program);
	glGetProgramiv(c->program, GL_LINK_STATUS, &ok);
	if (!ok) {
		card_close(c);
		return "the graphics driver does not compile the shader";
	}
	glUseProgram(c->program);
	c->to = glGetUniformLocation(c->program, "to");
	c->from = glGetUniformLocation(c->program, "from");
	c->upright = glGetUniformLocation(c->program, "upright");
	c->turn = glGetUniformLocation(c->program, "turn");
	c->mirror = glGetUniformLocation(c->program, "mirror");
	c->height = glGetUniformLocation(c->program, "height");
	glUniform1i(glGetUniformLocation(c->program, "frame"), 0);
	glUniform1i(glGetUniformLocation(c->program, "table"), 1);
	c->table = texture(GL_TEXTURE1, 256, 1);
	if (width <= card_largest(c) && height <= card_largest(c)) c->frame = texture(GL_TEXTURE0, width, height);
	glDisable(GL_DITHER);
	glDisable(GL_BLEND);
	*out = c;
	return NULL;
}

const char *card_name(card *c) {
	(void)c;
	const char *s = (const char *)glGetString(GL_RENDERER);
	return s ? s : "";
}

int card_largest(card *c) {
	(void)c;
	GLint n = 0;
	glGetIntegerv(GL_MAX_TEXTURE_SIZE, &n);
	return n;
}

const char *card_upload(card *c, const unsigned char *pix, int stride, int x, int y, int width, int height) {
	glActiveTexture(GL_TEXTURE0);
	glBindTexture(GL_TEXTURE_2D, c->frame);
	glPixelStorei(GL_UNPACK_ROW_LENGTH, stride / 4);
	glTexSubImage2D(GL_TEXTURE_2D, 0, x, y, width, height, GL_RGBA, GL_UNSIGNED_BYTE, pix + (size_t)y * stride + (size_t)x * 4);
	return glGetError() == GL_NO_ERROR ? NULL : "the graphics driver does not take the picture";
}

void card_correct(card *c, const unsigned char *table) {
	glActiveTexture(GL_TEXTURE1);
	glBindTexture(GL_TEXTURE_2D, c->table);
	glPixelStorei(GL_UNPACK_ROW_LENGTH, 0);
	glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, 256, 1, GL_RGBA, GL_UNSIGNED_BYTE, table);
}

void card_begin(card *c, int width, int height) {
	c->high = height;
	glViewport(0, 0, width, height);
	glClearColor(0, 0, 0, 1);
	glClear(GL_COLOR_BUFFER_BIT);
}

void card_draw(card *c, const tile *t) {
	glViewport(t->to[0], c->high - t->to[1] - t->to[3], t->to[2], t->to[3]);
	glUniform4iv(c->to, 1, t->to);
	glUniform4iv(c->from, 1, t->from);
	glUniform2iv(c->upright, 1, t->upright);
	glUniform1i(c->turn, t->turn);
	glUniform1i(c->mirror, t->mirror);
	glUniform1i(c->height, c->high);
	glDrawArrays(GL_TRIANGLES, 0, 3);
}

const char *card_end(card *c) {
	if (glGetError() != GL_NO_ERROR) return "the graphics driver does not draw";
	if (!eglSwapBuffers(c->egl, c->surface)) return "the graphics driver does not show what was drawn";
	glFinish();
	XSync(c->x, False); // the window has it: what was below may go
	return NULL;
}

void card_close(card *c) {
	if (c->egl != EGL_NO_DISPLAY) {
		eglMakeCurrent(c->egl, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
		if (c->context != EGL_NO_CONTEXT) eglDestroyContext(c->egl, c->context);
		if (c->surface != EGL_NO_SURFACE) eglDestroySurface(c->egl, c->surface);
		eglTerminate(c->egl);
	}
	if (c->x) XCloseDisplay(c->x);
	free(c);
}
