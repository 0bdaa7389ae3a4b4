/** Runtime spans per trace, where nothing else is said. In a file of its own: the command line reads it before it knows what it is to do. */
export const defaultRuntimeBudget = 200;
