/*
 * libhelio against a fake reflector: the lobby, what moderators do and see, being sent elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/errcode.h"
#include "tests/unit/sdk_fixture.h"

static void hello(struct sdk *sdk, const char *token)
{
	json_t *msg;

	sdk_accept(sdk);
	msg = sdk_hello(sdk);
	assert_string_equal(json_string_value(json_object_get(msg, "token")), token);
	json_decref(msg);
}

static void into_lobby(struct sdk *sdk)
{
	assert_int_equal(helio_join(sdk->h), 0);
	hello(sdk, "secret-token");
	sdk_send_json(sdk, "{\"type\":\"lobby\",\"room\":\"demo\",\"num\":3,\"heartbeat_ms\":50}");
	sdk_expect(sdk, "LOBBY demo");
}

static void waits_and_is_let_in(void **state)
{
	struct sdk *sdk = *state;
	struct helio_stream stream = HELIO_STREAM_INIT;
	struct frame_hdr hdr;
	const uint8_t *payload;
	int publication;

	into_lobby(sdk);
	stream.kind = HELIO_AUDIO;
	stream.codec = "opus";
	assert_int_equal(helio_publish(sdk->h, &stream, &publication), HELIO_ERR_STATE);
	assert_int_equal(helio_admit(sdk->h, 3), HELIO_ERR_STATE);
	/* it lives: pings go on, and longer than a join may take */
	sdk->keep_pings = true;
	assert_true(sdk_recv(sdk, &hdr, &payload));
	assert_int_equal(hdr.kind, FRAME_PING);
	sdk->keep_pings = false;
	sdk_welcome(sdk, NULL);
	sdk_send_json(sdk, "{\"type\":\"roster\",\"more\":false,\"participants\":[]}");
	sdk_expect(sdk, "JOINED alice 3 Alice");
}

static void is_denied(void **state)
{
	struct sdk *sdk = *state;

	into_lobby(sdk);
	sdk_send_json(
		sdk, "{\"type\":\"error\",\"code\":\"denied\",\"text\":\"no\",\"fatal\":true}");
	sdk_expect(sdk, "CLOSED denied");
}

static void gives_up(void **state)
{
	struct sdk *sdk = *state;

	into_lobby(sdk);
	assert_int_equal(helio_leave(sdk->h), 0);
	json_decref(sdk_recv_json(sdk, "bye"));
	sdk_close(sdk, true);
	sdk_expect(sdk, "CLOSED ok");
}

static void refuses_the_room_while_waiting(void **state)
{
	struct sdk *sdk = *state;

	into_lobby(sdk);
	sdk_send_json(sdk, "{\"type\":\"roster\",\"more\":false,\"participants\":[]}");
	sdk_expect(sdk, "CLOSED hello-expected");
}

static void refuses_a_second_lobby(void **state)
{
	struct sdk *sdk = *state;

	into_lobby(sdk);
	sdk_send_json(sdk, "{\"type\":\"lobby\",\"room\":\"demo\",\"num\":3}");
	sdk_expect(sdk, "CLOSED second-hello");
}

static void refuses_the_lobby_of_another_room(void **state)
{
	struct sdk *sdk = *state;

	assert_int_equal(helio_join(sdk->h), 0);
	hello(sdk, "secret-token");
	sdk_send_json(sdk, "{\"type\":\"lobby\",\"room\":\"other\",\"num\":3}");
	sdk_expect(sdk, "CLOSED bad-field");
}

static void sees_who_waits(void **state)
{
	struct sdk *sdk = *state;

	sdk_join(sdk);
	sdk_send_json(sdk, "{\"type\":\"waiting\",\"id\":\"carol\",\"num\":9,\"name\":\"Carol\"}");
	sdk_expect(sdk, "WAITING carol 9 Carol");
	sdk_send_json(sdk, "{\"type\":\"waiting\",\"id\":\"carol\",\"num\":9,\"name\":\"Carol\"}");
	assert_int_equal(helio_admit(sdk->h, 9), 0);
	json_t *msg = sdk_recv_json(sdk, "admit");
	assert_int_equal(json_integer_value(json_object_get(msg, "num")), 9);
	json_decref(msg);
	sdk_send_json(sdk, "{\"type\":\"admitted\",\"num\":9}");
	sdk_send_json(sdk, "{\"type\":\"waiting-left\",\"num\":9}");
	sdk_expect(sdk, "WAITING_LEFT carol 9");
	sdk_send_json(sdk, "{\"type\":\"waiting-left\",\"num\":9}");
	assert_int_equal(helio_deny(sdk->h, 10), 0);
	json_decref(sdk_recv_json(sdk, "deny"));
	sdk_sync(sdk);
	sdk_expect_nothing(sdk);
}

static void moderates(void **state)
{
	struct sdk *sdk = *state;
	const unsigned audio = HELIO_KIND_BIT(HELIO_AUDIO);

	assert_int_equal(helio_mute(sdk->h, 1, audio, 1), HELIO_ERR_STATE);
	assert_int_equal(helio_lock(sdk->h, 1), HELIO_ERR_STATE);
	sdk_join(sdk);
	assert_int_equal(helio_mute(NULL, 1, audio, 1), HELIO_ERR_INVALID);
	assert_int_equal(helio_mute(sdk->h, 0, audio, 1), HELIO_ERR_INVALID);
	assert_int_equal(helio_mute(sdk->h, 1, 0, 1), HELIO_ERR_INVALID);
	assert_int_equal(helio_mute(sdk->h, 1, 16, 1), HELIO_ERR_INVALID);
	assert_int_equal(helio_kick(sdk->h, 1, 86401, NULL), HELIO_ERR_INVALID);
	assert_int_equal(helio_kick(sdk->h, 1, 0, "a\nb"), HELIO_ERR_INVALID);
	assert_int_equal(helio_mute(sdk->h, 1, audio | HELIO_KIND_BIT(HELIO_SCREEN), 1), 0);
	json_t *msg = sdk_recv_json(sdk, "mute");
	assert_int_equal(json_array_size(json_object_get(msg, "kinds")), 2);
	assert_true(json_is_true(json_object_get(msg, "muted")));
	json_decref(msg);
	assert_int_equal(helio_kick(sdk->h, 1, 86400, "enough"), 0);
	msg = sdk_recv_json(sdk, "kick");
	assert_int_equal(json_integer_value(json_object_get(msg, "ban_s")), 86400);
	assert_string_equal(json_string_value(json_object_get(msg, "text")), "enough");
	json_decref(msg);
	assert_int_equal(helio_kick(sdk->h, 1, 0, NULL), 0);
	msg = sdk_recv_json(sdk, "kick");
	assert_null(json_object_get(msg, "text"));
	json_decref(msg);
	assert_int_equal(helio_lock(sdk->h, 1), 0);
	msg = sdk_recv_json(sdk, "lock");
	assert_true(json_is_true(json_object_get(msg, "locked")));
	json_decref(msg);
	sdk_send_json(sdk, "{\"type\":\"error\",\"code\":\"not-granted\",\"text\":\"no\"}");
	sdk_expect(sdk, "ERROR not-granted no");
}

static void is_told(void **state)
{
	struct sdk *sdk = *state;

	sdk_join(sdk);
	sdk_send_json(sdk,
		"{\"type\":\"muted\",\"num\":1,\"kinds\":[\"audio\",\"hologram\"],"
		"\"muted\":true,\"by\":3}");
	sdk_expect(sdk, "MUTED bob 1 1 by 3");
	sdk_send_json(sdk, "{\"type\":\"muted\",\"num\":3,\"kinds\":[\"screen\"],\"muted\":false}");
	sdk_expect(sdk, "MUTED alice 4 0 by 0");
	sdk_send_json(sdk, "{\"type\":\"muted\",\"num\":77,\"kinds\":[],\"muted\":true}");
	sdk_send_json(sdk, "{\"type\":\"locked\",\"locked\":true,\"by\":1}");
	sdk_expect(sdk, "LOCKED 1 by 1");
	sdk_send_json(sdk, "{\"type\":\"rekey\",\"epoch\":5}");
	sdk_expect(sdk, "REKEY 5");
	sdk_send_json(sdk,
		"{\"type\":\"policy\",\"policy\":{\"rev\":7,\"capacity\":50,\"lobby\":true,"
		"\"kinds\":[\"audio\",\"data\"],\"loudest\":6,\"e2ee\":false,\"locked\":true,"
		"\"epoch\":5,\"exp\":9}}");
	sdk_expect(sdk, "POLICY 9 50 110 6 5 9");
	sdk_send_json(
		sdk, "{\"type\":\"bye\",\"reason\":\"kicked\",\"text\":\"enough\\u001b[2J\"}");
	sdk_expect(sdk, "CLOSED kicked");
	assert_string_equal(sdk->last_text, "enough?[2J");
}

static void malformed(void **state)
{
	static const char *const bad[] = {
		"{\"type\":\"waiting\",\"id\":\"a\",\"num\":0,\"name\":\"A\"}",
		"{\"type\":\"waiting\",\"id\":\"a b\",\"num\":1,\"name\":\"A\"}",
		"{\"type\":\"waiting-left\"}",
		"{\"type\":\"muted\",\"num\":1,\"kinds\":\"audio\",\"muted\":true}",
		"{\"type\":\"muted\",\"num\":1,\"kinds\":[]}",
		"{\"type\":\"muted\",\"num\":1,\"kinds\":[1],\"muted\":true}",
		"{\"type\":\"locked\"}",
		"{\"type\":\"locked\",\"locked\":1}",
		"{\"type\":\"rekey\",\"epoch\":-1}",
		"{\"type\":\"policy\"}",
		"{\"type\":\"policy\",\"policy\":{\"kinds\":[],\"capacity\":\"x\"}}",
		"{\"type\":\"move\"}",
		"{\"type\":\"move\",\"answer\":{\"token\":\"x\"}}",
	};
	struct sdk *sdk = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sdk_join(sdk);
		sdk_send_json(sdk, "%s", bad[i]);
		sdk_expect(sdk, "CLOSED bad-field");
		sdk_close(sdk, false);
	}
}

static void told_to_move(struct sdk *sdk)
{
	sdk_send_json(sdk,
		"{\"type\":\"move\",\"answer\":{\"token\":\"moved-token\",\"expires_at\":"
		"1790000000,\"participant\":\"alice\",\"room\":\"other\",\"cluster\":\"test\","
		"\"endpoints\":[{\"address\":\"127.0.0.1\",\"port\":%u,\"tls_name\":\"" SDK_TLS_NAME
		"\",\"pin\":\"%s\"}],\"keys\":{\"keys\":[]}}}",
		sdk->port, sdk->identity.pin);
}

static void moves(void **state)
{
	struct sdk *sdk = *state;

	sdk_join(sdk);
	told_to_move(sdk);
	sdk_send_json(sdk, "{\"type\":\"bye\",\"reason\":\"moved\"}");
	sdk_expect(sdk, "MOVED other");
	sdk_close(sdk, false);
	hello(sdk, "moved-token");
	sdk_welcome(sdk, "{\"room\":\"other\"}");
	sdk_send_json(sdk, "{\"type\":\"roster\",\"more\":false,\"participants\":[]}");
	sdk_expect(sdk, "JOINED alice 3 Alice");
	/* and the next goodbye is one */
	sdk_send_json(sdk, "{\"type\":\"bye\",\"reason\":\"moved\"}");
	sdk_expect(sdk, "CLOSED moved");
}

static void moves_without_a_goodbye(void **state)
{
	struct sdk *sdk = *state;

	sdk_join(sdk);
	told_to_move(sdk);
	sdk_sync(sdk);
	sdk_close(sdk, false);
	sdk_expect(sdk, "MOVED other");
}

static void sees_the_hidden(void **state)
{
	struct sdk *sdk = *state;

	sdk_join(sdk);
	sdk_send_json(sdk,
		"{\"type\":\"joined\",\"participant\":{\"id\":\"ghost\",\"num\":8,"
		"\"name\":\"Ghost\",\"streams\":[],\"hidden\":true}}");
	sdk_expect(sdk, "PARTICIPANT_JOINED ghost 8 Ghost hidden");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, sdk_setup_created, sdk_teardown)
	const struct CMUnitTest tests[] = {
		TEST(waits_and_is_let_in),
		TEST(is_denied),
		TEST(gives_up),
		TEST(refuses_the_room_while_waiting),
		TEST(refuses_a_second_lobby),
		TEST(refuses_the_lobby_of_another_room),
		TEST(sees_who_waits),
		TEST(moderates),
		TEST(is_told),
		TEST(malformed),
		TEST(moves),
		TEST(moves_without_a_goodbye),
		TEST(sees_the_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
