/// Bugs planted on purpose (golden/bugs.toml): what a test puts into the device to see the judge find it. With BUG = 0
/// every `planted` folds to 0 and nothing of them is left in the design.
package bug_pkg;

  /// Bugs are numbered from 1 to this.
  parameter int unsigned BugLast = 71;
  /// As parameter BUG: the number comes with plusarg +BUG=number when a simulation begins, so one model has all bugs.
  parameter int unsigned BugRuntime = 32'hffff_ffff;

`ifdef SYNTHESIS
  /// Is this the bug of a device whose parameter is `bug`?
  function automatic logic planted(int unsigned bug, int unsigned number);
    return bug == number;
  endfunction

  function automatic void choose();
  endfunction
`else
  int unsigned chosen;

  /// Reads the plusarg, if there is one: the top calls it once.
  function automatic void choose();
    if ($value$plusargs("BUG=%d", chosen) == 0) chosen = 0;
    if (chosen > BugLast) $fatal(1, "+BUG=%0d: bugs have the numbers 1 to %0d, 0 plants none", chosen, BugLast);
  endfunction

  /// Is this the bug of a device whose parameter is `bug`?
  function automatic logic planted(int unsigned bug, int unsigned number);
    return number == ((bug == BugRuntime) ? chosen : bug);
  endfunction
`endif

endpackage
