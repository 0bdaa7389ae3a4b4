/** Names and messages as an attacker would choose them: nothing of them may run or break out of its place on any page. */
export const hostileTexts: readonly string[] = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title><svg onload=alert(1)>',
  '</textarea></select></style><script>alert(1)</script>',
  'javascript:alert(1)',
  '//evil.example/x',
  '/\\evil.example',
  '&lt;b&gt;&quot;',
  '\u001b[31mred\u001b[0m\u0007',
  'a\u202egpj.exe\u202c\u2066b',
  '../../etc/passwd?x=1#y',
  '%00%2e%2e%2f',
  '{{constructor.constructor("alert(1)")()}}',
  'a\u0000b',
];
