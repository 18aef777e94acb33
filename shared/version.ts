/**
 * The version of Fairlead; both processes tell each other, and `fairlead --version` prints it.
 * A constant, so that nothing has to look for package.json at run time; a test keeps the two equal.
 */
export const VERSION = '0.1.0';
