// The list resolves from its own folder.
+incdir+include
tree.sv
