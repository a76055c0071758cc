// A window's OpenGL ES 3: one texture, one program.

typedef struct card card;

typedef struct {
	int to[4];     // on the screen: left, top, width, height
	int from[4];   // of the texture
	int upright[2]; // the size before turning
	int turn, mirror;
} tile;

// card_open makes the window current on this thread. On an error it returns what failed.
const char *card_open(card **out, const char *display, unsigned long window, int width, int height);
const char *card_name(card *c);
int card_largest(card *c);
const char *card_upload(card *c, const unsigned char *pix, int stride, int x, int y, int width, int height);
// card_correct takes 256 times red, green, blue, 255.
void card_correct(card *c, const unsigned char *table);
void card_begin(card *c, int width, int height);
void card_draw(card *c, const tile *t);
const char *card_end(card *c);
void card_close(card *c);
