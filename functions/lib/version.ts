/** The version of Clover; that of package.json, which a bundle has not with it. */
export const version = '0.1.0';
