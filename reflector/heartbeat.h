/*
 * heartbeat: what happens by the clock: deadlines of lanes, pings, silent peers, ended tokens,
 * receivers that take nothing, and telling receivers what was dropped.
 */
#ifndef REFLECTOR_HEARTBEAT_H
#define REFLECTOR_HEARTBEAT_H

#define HEARTBEAT_TICK_S 0.25

struct worker;

/* Looks at every lane once; called every HEARTBEAT_TICK_S. */
void heartbeat_tick(struct worker *worker);

#endif
