/// Bugs planted on purpose (golden/bugs.toml): what a test puts into the device to see the judge find it. With BUG = 0
/// every `planted` folds to 0 and nothing of them is left in the design.
package bug_pkg;

  /// Bugs are numbered from 1 to this.
  parameter int unsigned BugLast = 49;
  /// As parameter BUG: the number comes with plusarg +BUG=number when a simulation begins, so one model has all bugs.
  parameter int unsigned BugRuntime = 32'hffff_ffff;

`ifdef SYNTHESIS
  /// Is this the bug of a device whose parameter is `bug`?
  function automatic logic planted(int unsigned bug, int unsigned number);
    return bug == number;
  endfunction
`else
  function automatic int unsigned read_plusarg();
    int unsigned number;
    if ($value$plusargs("BUG=%d", number) == 0) number = 0;
    if (number > BugLast) $fatal(1, "+BUG=%0d: bugs have the numbers 1 to %0d, 0 plants none", number, BugLast);
    return number;
  endfunction

  int unsigned chosen = read_plusarg();

  /// Is this the bug of a device whose parameter is `bug`?
  function automatic logic planted(int unsigned bug, int unsigned number);
    return number == ((bug == BugRuntime) ? chosen : bug);
  endfunction
`endif

endpackage
