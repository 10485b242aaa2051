/** The allowed rise of a metric that names none. */
export const defaultMargin = 0.05;

/** The floor of a metric on errors that names none. */
export const defaultFloor = 0.01;
