/*
 * sd_notify: tells the service manager our state over NOTIFY_SOCKET (see sd_notify(3)); does
 * nothing without one. In-tree because libsystemd would pull five libraries into a DMZ process.
 */
#ifndef COMMON_SD_NOTIFY_H
#define COMMON_SD_NOTIFY_H

/* state: "READY=1", "STOPPING=1", "STATUS=..."; several joined by newlines. Best effort. */
void sd_notify_send(const char *state);

#endif
