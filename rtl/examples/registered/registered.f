# The design that is wrapped, then the wrapper.
-f ../../ringside.f
tlp_slice.sv
registered_net.sv
