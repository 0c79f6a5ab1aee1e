/*
 * settings_check: callbacks of libConfuse for values of authd's settings file; those that both
 * daemons need stand in common/settings.h. They say what is wrong themselves, and answer -1.
 */
#ifndef AUTHD_SETTINGS_CHECK_H
#define AUTHD_SETTINGS_CHECK_H

#include <confuse.h>

int authd_settings_check_address(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
int authd_settings_check_life(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
int authd_settings_check_memory(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
int authd_settings_check_text(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
int authd_settings_check_url(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);
int authd_settings_check_database(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result);

#endif
