const most = 128;

/** What is said of a text that came from outside: all of it up to 128 characters, else its beginning and an ellipsis. */
export function excerpt(text: string): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;
}
