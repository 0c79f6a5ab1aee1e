/*
 * route_handlers: what the lines of the table in routes.c call, by file. Each answers its request
 * by call->reply; in a thread of the pool that the line names.
 */
#ifndef AUTHD_ROUTE_HANDLERS_H
#define AUTHD_ROUTE_HANDLERS_H

#include "authd/routes.h"

/* route_apikeys.c */
void route_apikeys_get(const struct route_call *call);
void route_apikeys_post(const struct route_call *call);
void route_apikey_get(const struct route_call *call);
void route_apikey_delete(const struct route_call *call);

/* route_audit.c */
void route_audit_get(const struct route_call *call);
void route_audit_verify_get(const struct route_call *call);

/* route_consume.c */
void route_tokens_consume(const struct route_call *call);

/* route_events.c */
void route_events_get(const struct route_call *call);

/* route_invites.c */
void route_invites_get(const struct route_call *call);
void route_invites_post(const struct route_call *call);
void route_invite_get(const struct route_call *call);
void route_invite_delete(const struct route_call *call);
void route_invite_post(const struct route_call *call);

/* route_join.c */
void route_join_get(const struct route_call *call);

/* route_keys.c */
void route_keys_get(const struct route_call *call);
void route_keys_rotate(const struct route_call *call);

/* route_media_key.c */
void route_media_key_post(const struct route_call *call);

/* route_metrics.c */
void route_metrics_get(const struct route_call *call);

/* route_moderate.c */
void route_participant_mute(const struct route_call *call);
void route_participant_unmute(const struct route_call *call);
void route_participant_admit(const struct route_call *call);
void route_participant_deny(const struct route_call *call);
void route_participant_kick(const struct route_call *call);
void route_participant_move(const struct route_call *call);

/* route_participants.c */
void route_participants_get(const struct route_call *call);

/* route_policy.c */
void route_policy_get(const struct route_call *call);
void route_policy_patch(const struct route_call *call);

/* route_reflectors.c */
void route_reflectors_get(const struct route_call *call);
void route_reflectors_post(const struct route_call *call);
void route_reflector_patch(const struct route_call *call);
void route_reflector_delete(const struct route_call *call);

/* route_revocations.c */
void route_revocations_get(const struct route_call *call);
void route_revocations_post(const struct route_call *call);
void route_revocation_delete(const struct route_call *call);

/* route_rooms.c */
void route_rooms_get(const struct route_call *call);
void route_room_get(const struct route_call *call);
void route_rooms_post(const struct route_call *call);
void route_room_patch(const struct route_call *call);
void route_room_delete(const struct route_call *call);
void route_room_close(const struct route_call *call);
void route_room_rekey(const struct route_call *call);

/* route_status.c */
void route_health_get(const struct route_call *call);
void route_ready_get(const struct route_call *call);
void route_status_get(const struct route_call *call);

/* route_token.c */
void route_token_post(const struct route_call *call);
void route_jwks_get(const struct route_call *call);

/* route_tokens.c */
void route_tokens_get(const struct route_call *call);
void route_token_delete(const struct route_call *call);

/* route_users.c */
void route_users_get(const struct route_call *call);
void route_users_post(const struct route_call *call);
void route_user_get(const struct route_call *call);
void route_user_delete(const struct route_call *call);
void route_user_patch(const struct route_call *call);

#endif
