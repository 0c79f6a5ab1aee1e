/*
 * nouns: the functions of the command table, one file per noun. Each takes the parsed command line
 * and returns an exit status (enum ctl_exit).
 */
#ifndef CTL_NOUNS_H
#define CTL_NOUNS_H

struct ctl;

int apikey_create(struct ctl *ctl);
int apikey_list(struct ctl *ctl);
int apikey_revoke(struct ctl *ctl);
int apikey_show(struct ctl *ctl);
int audit_export(struct ctl *ctl);
int audit_tail(struct ctl *ctl);
int audit_verify(struct ctl *ctl);
int ban_add(struct ctl *ctl);
int ban_lift(struct ctl *ctl);
int ban_list(struct ctl *ctl);
int completion_run(struct ctl *ctl);
int context_add(struct ctl *ctl);
int context_list(struct ctl *ctl);
int context_remove(struct ctl *ctl);
int context_use(struct ctl *ctl);
int doctor_run(struct ctl *ctl);
int events_run(struct ctl *ctl);
int invite_create(struct ctl *ctl);
int invite_list(struct ctl *ctl);
int invite_revoke(struct ctl *ctl);
int invite_show(struct ctl *ctl);
int key_list(struct ctl *ctl);
int key_rotate(struct ctl *ctl);
int participant_admit(struct ctl *ctl);
int participant_deny(struct ctl *ctl);
int participant_kick(struct ctl *ctl);
int participant_list(struct ctl *ctl);
int participant_move(struct ctl *ctl);
int participant_mute(struct ctl *ctl);
int participant_unmute(struct ctl *ctl);
int policy_set(struct ctl *ctl);
int policy_show(struct ctl *ctl);
int reflector_drain(struct ctl *ctl);
int reflector_enrol(struct ctl *ctl);
int reflector_list(struct ctl *ctl);
int reflector_remove(struct ctl *ctl);
int reflector_show(struct ctl *ctl);
int reflector_undrain(struct ctl *ctl);
int reflector_weight(struct ctl *ctl);
int room_close(struct ctl *ctl);
int room_create(struct ctl *ctl);
int room_delete(struct ctl *ctl);
int room_list(struct ctl *ctl);
int room_lock(struct ctl *ctl);
int room_policy(struct ctl *ctl);
int room_rekey(struct ctl *ctl);
int room_show(struct ctl *ctl);
int room_unlock(struct ctl *ctl);
int status_run(struct ctl *ctl);
int token_list(struct ctl *ctl);
int token_revoke(struct ctl *ctl);
int top_run(struct ctl *ctl);
int user_add(struct ctl *ctl);
int user_delete(struct ctl *ctl);
int user_disable(struct ctl *ctl);
int user_enable(struct ctl *ctl);
int user_list(struct ctl *ctl);
int user_password(struct ctl *ctl);
int user_policy(struct ctl *ctl);
int user_show(struct ctl *ctl);

#endif
