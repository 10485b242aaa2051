/** Characters that the message of a condition may have, as in Kubernetes. */
export const conditionMessageMax = 32_768;
