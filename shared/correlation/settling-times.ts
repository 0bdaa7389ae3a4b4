/** Waiting times, in microseconds of event time. A replay and a live cluster use the same ones. */
export const second = 1_000_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** G1: quiet time after a change whose end condition holds. */
export const quietAfterEnd = 10 * second;
/** G2: quiet time after the last action or new state of a change without an end condition, or stuck. */
export const quietWithoutEnd = 60 * second;
/** L: maximum duration of a change; later Events are a linked continuation. */
export const longestChange = 15 * minute;
/** A: allowed lateness of an Event. */
export const lateness = 10 * second;
/** Controllers record after their call returns: a cause may be recorded this much after its effect. */
export const causeMayTrail = 1 * second;
/** How long after an Event its owner may still be named (the wait for owners while routing). */
export const ownerMayTrail = 10 * second;
/** An incident ends after this time without trouble. */
export const healthyAfter = 10 * minute;
export const longestIncident = 1 * hour;
/** Per object; the last one stays open until midnight (UTC) and takes all further trouble. */
export const incidentsPerDay = 12;
/** Controllers repeat themselves while they work: only after so long does the same again answer another edit. */
export const beginsAgainAfter = 2 * second;
/** Max delay between an action and the deletion that it causes. */
export const effectMayTrail = 60 * second;
/** Memory of the context: the lifetime of Events (1 h) plus one hour. */
export const rememberFor = 2 * hour;
