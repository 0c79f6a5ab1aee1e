/*
 * doctor: what the checks of `helioctl doctor` share: the list of findings and what was asked.
 */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include <jansson.h>
#include <stdint.h>

#include "ctl/ctl.h"

enum finding { FINDING_OK, FINDING_WARNING, FINDING_FAILED };

struct doctor {
	struct ctl *ctl;
	json_t *status; /* GET /v1/status; NULL: authd did not answer */
	json_t *reflectors; /* GET /v1/reflectors; NULL likewise */
	json_t *findings; /* [{"check", "state", "what", "why", "todo"}] */
	int64_t now;
	size_t warnings, failures;
};

/* Adds a finding; why and todo may be NULL (ok needs neither). */
void doctor_find(struct doctor *doctor, enum finding state, const char *check, const char *what,
	const char *why, const char *todo);

/* From authd's answers alone. */
void doctor_check_database(struct doctor *doctor);
void doctor_check_certificates(struct doctor *doctor);
void doctor_check_keys(struct doctor *doctor);
void doctor_check_clock(struct doctor *doctor, int64_t server_date);
void doctor_check_limits(struct doctor *doctor);
void doctor_check_links(struct doctor *doctor);

/* From this machine. */
void doctor_check_settings(struct doctor *doctor);
void doctor_check_ports(struct doctor *doctor);

#endif
