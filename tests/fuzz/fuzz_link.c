/*
 * fuzz_link: revoke and policies messages as gate and workers read them. What is taken is told to
 * others in the same words.
 */
#include <stdlib.h>

#include "proto/msg.h"
#include "reflector/policy_table.h"
#include "reflector/revocation.h"
#include "tests/fuzz/fuzz.h"

static int take_revocations(const json_t *msg, void *user)
{
	return revocation_add_message(user, msg, 0);
}

static int take_policies(const json_t *msg, void *user)
{
	struct room_policy policy;
	const json_t *rooms;
	const char *name;
	int err = policy_table_check_message(msg, &rooms);

	for (size_t i = 0; err == 0 && i < json_array_size(rooms); i++) {
		err = policy_table_read(json_array_get(rooms, i), &name, &policy);
		if (err == 0) {
			err = policy_table_learn(user, name, &policy);
		}
	}
	return err;
}

static void check_revocations(const json_t *msg)
{
	struct revocation_table table, copy;
	const struct revocation_subject subject = {
		.jti = "a", .user = "a", .room = "a", .source = "apikey:a"
	};

	if (revocation_init(&table, 4) != 0 || revocation_init(&copy, 4) != 0) {
		abort();
	}
	int err = take_revocations(msg, &table);
	if (err == 0 &&
		(revocation_each_page(&table, take_revocations, &copy) != 0 ||
			copy.count > table.count ||
			revocation_check(&table, &subject, 0) !=
				revocation_check(&copy, &subject, 0))) {
		abort();
	}
	revocation_expire(&table, 100);
	revocation_finish(&table);
	revocation_finish(&copy);
}

static void check_policies(const json_t *msg)
{
	struct policy_table table, copy;

	if (policy_table_init(&table, 4) != 0 || policy_table_init(&copy, 4) != 0) {
		abort();
	}
	if (take_policies(msg, &table) == 0 &&
		(policy_table_each_page(&table, take_policies, &copy) != 0 ||
			copy.count != table.count)) {
		abort();
	}
	policy_table_finish(&table);
	policy_table_finish(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *msg = NULL;
	const char *type;

	if (msg_parse(data, size, &msg, &type) == 0) {
		check_revocations(msg);
		check_policies(msg);
		json_decref(msg);
	}
	return 0;
}
