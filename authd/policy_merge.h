/* policy_merge: grants of several sources become one. See policy.h; used by policy.c alone. */
#ifndef AUTHD_POLICY_MERGE_H
#define AUTHD_POLICY_MERGE_H

#include "authd/policy.h"

/* Takes away from into what by does not give. rooms and hours stay: they are judged one by one.
 * ERR_NOT_GRANTED: no network is in both; ERR_LIMIT: more than TOKEN_NETS_MAX would be. */
int policy_merge_narrow(struct policy_grants *into, const struct policy_grants *by) MUST_CHECK;

/* Gives the default to every field that was never mentioned. */
void policy_merge_settle(struct policy_grants *grants);

#endif
