/* store_tests: parts of the conformance test of the store, each on an empty one of either kind. */
#ifndef TESTS_STORE_TESTS_H
#define TESTS_STORE_TESTS_H

#include "tests/unit/store_fixture.h"

/* test_authd_store_audit.c */
void store_test_audit_list(void **state);
void store_test_audit_detail(void **state);
void store_test_audit_is_whole(void **state);
void store_test_audit_tampering(void **state);
void store_test_audit_goes_on(void **state);
void store_test_audit_note(void **state);

/* test_authd_store_writer.c */
void store_test_group(void **state);
void store_test_group_with_a_failure(void **state);
void store_test_consume_race(void **state);
void store_test_kill(void **state);
void store_test_watch(void **state);

/* test_authd_store_epochs.c */
void store_test_epochs(void **state);
void store_test_epochs_are_few(void **state);
void store_test_kick(void **state);

/* test_authd_store_upgrade.c */
void store_test_upgrade(void **state);
void store_test_upgrade_fails(void **state);
void store_test_upgrade_killed(void **state);
void store_test_upgrade_once(void **state);
void store_test_newer_schema(void **state);
void store_test_numbers_raised(void **state);

#endif
