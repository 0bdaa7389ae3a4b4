/** Input or an argument that cannot be used at all: the message is all that a user needs. */
export class InputError extends Error {}
