/*
 * Hashes of passwords: their format and cost, the bounds and the order of their queues, imported
 * ones with known vectors, and what a wrong password takes.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "authd/pass_crypt.h"
#include "authd/pass_hash.h"

#define MEMORY (8u << 20)
#define PASSES 1u
#define PASSWORD_MAX 1024u

static int check(struct pass_hash *ph, const char *hash, const char *password)
{
	return pass_hash_verify(ph, PASS_HASH_STRANGER, hash, password, NULL);
}

static void test_hash_format_and_verify(void **state)
{
	struct pass_hash *ph = NULL;
	char hash[PASS_HASH_SIZE];

	(void)state;
	assert_int_equal(pass_hash_create(&ph, 0, MEMORY, PASSES), 0);
	assert_int_equal(pass_hash_make(ph, PASS_HASH_KNOWN, "correct horse", hash), 0);
	assert_memory_equal(hash, "$argon2id$v=19$m=8192,t=1,p=1$", 30);
	assert_int_equal(check(ph, hash, "correct horse"), 0);
	assert_int_equal(check(ph, hash, "correct hors"), ERR_LOGIN);
	assert_int_equal(check(ph, hash, ""), ERR_LOGIN);
	assert_int_equal(check(ph, NULL, "correct horse"), ERR_LOGIN);
	assert_int_equal(check(ph, "no hash at all", "correct horse"), ERR_LOGIN);
	/* other costs for new hashes; the old ones go on working */
	assert_int_equal(pass_hash_set_cost(ph, MEMORY, 2), 0);
	assert_int_equal(check(ph, hash, "correct horse"), 0);
	assert_int_equal(pass_hash_make(ph, PASS_HASH_KNOWN, "correct horse", hash), 0);
	assert_memory_equal(hash, "$argon2id$v=19$m=8192,t=2,p=1$", 30);
	pass_hash_destroy(ph);
	pass_hash_destroy(NULL);
}

static bool out_of_memory;

/* Stands before libsodium's, to be without memory at will. */
int crypto_pwhash_str_verify(const char str[crypto_pwhash_STRBYTES], const char *const passwd,
	unsigned long long passwdlen)
{
	if (out_of_memory) {
		errno = ENOMEM;
		return -1;
	}
	return crypto_pwhash_argon2id_str_verify(str, passwd, passwdlen);
}

/* Who knows the password is not told that it is wrong, nor does it count as a failure. */
static void test_no_memory_is_not_a_wrong_password(void **state)
{
	struct pass_hash *ph = NULL;
	char hash[PASS_HASH_SIZE];

	(void)state;
	assert_int_equal(pass_hash_create(&ph, 0, MEMORY, PASSES), 0);
	assert_int_equal(pass_hash_make(ph, PASS_HASH_KNOWN, "correct horse", hash), 0);
	out_of_memory = true;
	assert_int_equal(check(ph, hash, "correct horse"), ERR_NOMEM);
	assert_int_equal(check(ph, NULL, "correct horse"), ERR_NOMEM);
	out_of_memory = false;
	assert_int_equal(check(ph, hash, "correct horse"), 0);
	pass_hash_destroy(ph);
}

static void test_long_password_is_not_shortened(void **state)
{
	struct pass_hash *ph = NULL;
	char password[PASSWORD_MAX + 1], hash[PASS_HASH_SIZE];

	(void)state;
	assert_int_equal(pass_hash_create(&ph, 1, MEMORY, PASSES), 0);
	memset(password, 'a', PASSWORD_MAX);
	password[PASSWORD_MAX] = '\0';
	assert_int_equal(pass_hash_make(ph, PASS_HASH_KNOWN, password, hash), 0);
	assert_int_equal(check(ph, hash, password), 0);
	password[PASSWORD_MAX - 1] = 'b';
	assert_int_equal(check(ph, hash, password), ERR_LOGIN);
	pass_hash_destroy(ph);
}

struct crowd {
	struct pass_hash *ph;
	pthread_barrier_t start;
	atomic_uint refused, answered;
};

static void *crowd_member(void *arg)
{
	struct crowd *c = arg;

	pthread_barrier_wait(&c->start);
	int err = check(c->ph, NULL, "guess");
	if (err == ERR_RATE) {
		c->refused++;
	} else if (err == ERR_LOGIN) {
		c->answered++;
	}
	return NULL;
}

/* More at once than one slot and its queue hold: some are refused, none is lost, none waits for
 * ever. */
static void test_hash_queue_is_bounded(void **state)
{
	enum { CROWD = PASS_HASH_WAITING + 30 };
	struct crowd c = { 0 };
	pthread_t threads[CROWD];

	(void)state;
	/* slow enough that the first is still at it when the last comes */
	assert_int_equal(pass_hash_create(&c.ph, 1, 64u << 20, 4), 0);
	pthread_barrier_init(&c.start, NULL, CROWD);
	for (size_t i = 0; i < CROWD; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_member, &c), 0);
	}
	for (size_t i = 0; i < CROWD; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(c.refused + c.answered, CROWD);
	assert_true(c.refused > 0);
	assert_true(c.answered > PASS_HASH_WAITING);
	assert_int_equal(check(c.ph, NULL, "guess"), ERR_LOGIN);
	pthread_barrier_destroy(&c.start);
	pass_hash_destroy(c.ph);
}

/* "Hello world!" is the vector of the SHA-512 crypt specification; the others are glibc's and
 * libxcrypt's own for "correct horse". */
#define SHA512_HELLO                                                                               \
	"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFC" \
	"oEOfaS35inz1"
#define SHA512_HORSE                                                                               \
	"$6$rounds=1000$saltstring$YiR6NSM0LQXmu7vAhkMXfkdYk7qtFouVx1Mdr3HmzXspT8kONjlpU3CsV7ezCB" \
	"62uXJoAdaagsH4ck7/tB9js."
#define YESCRYPT_HORSE "$y$j9T$0123456789abcdef$FckL0.DRM2TcLu8cpWm5VeSXkoG9vaoT7PGDMgIX8iC"

static void test_imported_hashes(void **state)
{
	struct pass_hash *ph = NULL;
	char hash[PASS_HASH_SIZE];
	bool old = false;

	(void)state;
	assert_int_equal(pass_hash_create(&ph, 0, MEMORY, PASSES), 0);
	assert_int_equal(check(ph, SHA512_HELLO, "Hello world!"), 0);
	assert_int_equal(check(ph, SHA512_HELLO, "Hello world"), ERR_LOGIN);
	assert_int_equal(
		pass_hash_verify(ph, PASS_HASH_KNOWN, SHA512_HORSE, "correct horse", &old), 0);
	assert_true(old);
	old = false;
	assert_int_equal(
		pass_hash_verify(ph, PASS_HASH_KNOWN, YESCRYPT_HORSE, "correct horse", &old), 0);
	assert_true(old);
	assert_int_equal(check(ph, YESCRYPT_HORSE, "correct hors"), ERR_LOGIN);
	/* longer than crypt() takes: wrong, and no crash */
	char password[PASSWORD_MAX + 1];
	memset(password, 'a', PASSWORD_MAX);
	password[PASSWORD_MAX] = '\0';
	assert_int_equal(check(ph, YESCRYPT_HORSE, password), ERR_LOGIN);
	/* no other kind of crypt() is ever verified: DES, MD5 */
	assert_int_equal(pass_crypt_verify("ab", "x"), ERR_LOGIN);
	assert_int_equal(
		pass_crypt_verify("$1$salt$qJH7.N4xYta3aEG/dfqo/0", "password"), ERR_LOGIN);
	/* ours is old when the costs have changed, and only then */
	assert_int_equal(pass_hash_make(ph, PASS_HASH_KNOWN, "correct horse", hash), 0);
	assert_int_equal(pass_hash_verify(ph, PASS_HASH_KNOWN, hash, "correct horse", &old), 0);
	assert_false(old);
	assert_int_equal(pass_hash_set_cost(ph, MEMORY, PASSES + 1), 0);
	assert_int_equal(pass_hash_verify(ph, PASS_HASH_KNOWN, hash, "correct horse", &old), 0);
	assert_true(old);
	pass_hash_destroy(ph);
}

static void test_what_can_be_imported(void **state)
{
	static const char *const bad[] = { "", "x", "$y$", "$6$", "$6$salt", "$6$salt$short",
		"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8",
		"$1$salt$qJH7.N4xYta3aEG/dfqo/0", "$2b$10$abcdefghijklmnopqrstuv",
		"$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHQ$aGFzaA", "*", "!", SHA512_HELLO "x",
		"$6$rounds=$saltstring$x", "$6$rounds=1000001$" /* too many */,
		"$6$rounds=99999999999999999999$s$h", YESCRYPT_HORSE "x",
		"$y$jFT$0123456789abcdef$FckL0.DRM2TcLu8cpWm5VeSXkoG9vaoT7PGDMgIX8iC",
		"$y$jzz$0123456789abcdef$FckL0.DRM2TcLu8cpWm5VeSXkoG9vaoT7PGDMgIX8iC",
		"$y$j$0123456789abcdef$FckL0.DRM2TcLu8cpWm5VeSXkoG9vaoT7PGDMgIX8iC",
		"$y$j9T$0123456789abcde:$FckL0.DRM2TcLu8cpWm5VeSXkoG9vaoT7PGDMgIX8iC" };

	(void)state;
	assert_null(pass_crypt_judge(SHA512_HELLO));
	assert_null(pass_crypt_judge(SHA512_HORSE));
	assert_null(pass_crypt_judge(YESCRYPT_HORSE));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (pass_crypt_judge(bad[i]) == NULL) {
			fail_msg("\"%s\" could be imported", bad[i]);
		}
	}
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double took_ms(struct pass_hash *ph, const char *hash)
{
	enum { TIMES = 7 };
	double best = 1e9;

	for (int i = 0; i < TIMES; i++) {
		double begin = now_ms();
		assert_int_equal(check(ph, hash, "wrong wrong"), ERR_LOGIN);
		double ms = now_ms() - begin;
		best = ms < best ? ms : best;
	}
	return best;
}

/*
 * A cheaper hash than today's must not tell that there is such a user: it takes as long as one of
 * those with today's costs did, the first of which is made when the costs are set.
 */
static void test_wrong_password_takes_the_same(void **state)
{
	struct pass_hash *ph = NULL;
	char older[PASS_HASH_SIZE];

	(void)state;
	assert_int_equal(pass_hash_create(&ph, 0, MEMORY, 1), 0);
	assert_int_equal(pass_hash_make(ph, PASS_HASH_KNOWN, "correct horse", older), 0);
	double begin = now_ms();
	assert_int_equal(pass_hash_set_cost(ph, 32u << 20, 2), 0);
	double first = now_ms() - begin;
	double nobody = took_ms(ph, NULL);
	nobody = first < nobody ? first : nobody;
	double old_one = took_ms(ph, older);
	double imported = took_ms(ph, SHA512_HORSE);
	if (old_one < nobody * 0.7 || imported < nobody * 0.7) {
		fail_msg("unknown %.1f ms, older %.1f ms, imported %.1f ms", nobody, old_one,
			imported);
	}
	pass_hash_destroy(ph);
}

struct line {
	struct pass_hash *ph;
	atomic_uint strangers; /* that were answered */
};

static void *line_stranger(void *arg)
{
	struct line *l = arg;

	if (check(l->ph, NULL, "guess") == ERR_LOGIN) {
		l->strangers++;
	}
	return NULL;
}

/* Who is known goes before all strangers that wait. */
static void test_known_go_first(void **state)
{
	enum { STRANGERS = PASS_HASH_WAITING };
	struct line l = { 0 };
	pthread_t threads[STRANGERS];

	(void)state;
	assert_int_equal(pass_hash_create(&l.ph, 1, 64u << 20, 3), 0);
	for (size_t i = 0; i < STRANGERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, line_stranger, &l), 0);
	}
	while (l.strangers == 0) { /* the line stands */
		sched_yield();
	}
	unsigned before = l.strangers;
	assert_int_equal(pass_hash_verify(l.ph, PASS_HASH_KNOWN, NULL, "guess", NULL), ERR_LOGIN);
	unsigned overtook = l.strangers - before;
	for (size_t i = 0; i < STRANGERS; i++) {
		pthread_join(threads[i], NULL);
	}
	assert_int_equal(l.strangers, STRANGERS);
	assert_true(overtook <= 3); /* who had the slot, and who was just leaving it */
	pass_hash_destroy(l.ph);
}

static void *line_known(void *arg)
{
	struct line *l = arg;

	while (l->strangers == 0) {
		if (pass_hash_verify(l->ph, PASS_HASH_KNOWN, NULL, "guess", NULL) != ERR_LOGIN) {
			break;
		}
	}
	return NULL;
}

/* Those who log in all the time do not keep out one who comes for the first time. */
static void test_stranger_gets_a_turn(void **state)
{
	enum { KNOWN = 4 };
	struct line l = { 0 };
	pthread_t known[KNOWN];

	(void)state;
	assert_int_equal(pass_hash_create(&l.ph, 1, MEMORY, 1), 0);
	for (size_t i = 0; i < KNOWN; i++) {
		assert_int_equal(pthread_create(&known[i], NULL, line_known, &l), 0);
	}
	alarm(300); /* the known ones go on until the stranger was answered */
	(void)line_stranger(&l);
	for (size_t i = 0; i < KNOWN; i++) {
		pthread_join(known[i], NULL);
	}
	alarm(0);
	assert_int_equal(l.strangers, 1);
	pass_hash_destroy(l.ph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_format_and_verify),
		cmocka_unit_test(test_no_memory_is_not_a_wrong_password),
		cmocka_unit_test(test_long_password_is_not_shortened),
		cmocka_unit_test(test_hash_queue_is_bounded),
		cmocka_unit_test(test_imported_hashes),
		cmocka_unit_test(test_what_can_be_imported),
		cmocka_unit_test(test_wrong_password_takes_the_same),
		cmocka_unit_test(test_known_go_first),
		cmocka_unit_test(test_stranger_gets_a_turn),
	};

	if (sodium_init() < 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
