/** The figures of settling, in microseconds of event time. A replay and a live cluster use the same ones. */
export const second = 1_000_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** G1: quiet time after a change whose end condition holds. */
export const quietAfterEnd = 10 * second;
/** G2: quiet time after the last action or new state of a change that has no end condition, or is stuck. */
export const quietWithoutEnd = 60 * second;
/** L: a change lasts no longer; what follows is a linked continuation. */
export const longestChange = 15 * minute;
/** A: how late an event may arrive and still count as in time. */
export const lateness = 10 * second;
/** Controllers record after their call returns: a cause may be recorded up to this much after its effect. */
export const causeMayTrail = 1 * second;
/** How far after an event its owner may be named and still count (the wait for an owner while routing). */
export const ownerMayTrail = 10 * second;
/** An object is healthy again after this long without trouble: its incident ends. */
export const healthyAfter = 10 * minute;
export const longestIncident = 1 * hour;
/** Of one object; the last one stays open until midnight (UTC) and holds all that comes. */
export const incidentsPerDay = 12;
/** Controllers repeat themselves while they work: only after so long does the same again answer another edit. */
export const beginsAgainAfter = 2 * second;
/** How long a deletion may take to show after the action that caused it. */
export const effectMayTrail = 60 * second;
/** The context forgets after the life of an Event (1 h) and one hour more. */
export const rememberFor = 2 * hour;
