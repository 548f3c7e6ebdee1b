// RUN: pqc opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// CHECK: Operation does not verify: pqa.encode does not use destination
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %c = pqa.allocate : !pqa.region<codebook, 64>
  %0 = pqa.encode source = %a, codebook = %c, destination = %a <channels = 1, height = 2, width = 2, plane_stride = 4, row_stride = 2, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 2, output_columns = 2, subspaces = 1, prototypes = 4, length = 1, prototype_bits = 8>
}

// -----
// CHECK: Operation does not verify: pqa.encode uses 'destination', and no region is bound to it
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %c = pqa.allocate : !pqa.region<codebook, 64>
  %0 = pqa.encode source = %a, codebook = %c <channels = 1, height = 2, width = 2, plane_stride = 4, row_stride = 2, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 2, output_columns = 2, subspaces = 1, prototypes = 4, length = 1, prototype_bits = 8, to_buffer = 1, code_row_stride = 2>
}

// -----
// CHECK: Operation does not verify: pqa.encode: destination overwrites what source has yet to read
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %c = pqa.allocate : !pqa.region<codebook, 64>
  %0 = pqa.encode source = %a, codebook = %c, destination = %a <channels = 1, height = 2, width = 2, plane_stride = 4, row_stride = 2, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 2, output_columns = 2, subspaces = 1, prototypes = 4, length = 1, prototype_bits = 8, to_buffer = 1, code_row_stride = 2, destination_offset = 3>
}

// -----
// CHECK: Operation does not verify: pqa.encode writes some bytes of destination twice
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %c = pqa.allocate : !pqa.region<codebook, 64>
  %0 = pqa.encode source = %a, codebook = %c, destination = %a <channels = 1, height = 2, width = 2, plane_stride = 4, row_stride = 2, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 2, output_columns = 2, subspaces = 2, prototypes = 4, length = 1, prototype_bits = 8, to_buffer = 1, code_row_stride = 2, code_plane_stride = 2, destination_offset = 8>
}

// -----
// CHECK: Operation does not verify: pqa.encode: code_row_stride = 1, allowed is at least 2, the bytes of a row
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %c = pqa.allocate : !pqa.region<codebook, 64>
  %0 = pqa.encode source = %a, codebook = %c, destination = %a <channels = 1, height = 2, width = 2, plane_stride = 4, row_stride = 2, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 2, output_columns = 2, subspaces = 1, prototypes = 4, length = 1, prototype_bits = 8, to_buffer = 1, code_row_stride = 1, destination_offset = 4>
}

// -----
// CHECK: Operation does not verify: pqa.lookup uses 'codes', and no region is bound to it
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %t = pqa.allocate : !pqa.region<table, 64>
  %s = pqa.allocate : !pqa.region<accumulator, 16>
  %0 = pqa.lookup table = %t, accumulator = %s <subspaces = 1, prototypes = 4, outputs = 2, output_rows = 2, output_columns = 2, table_bits = 8, from_buffer = 1, groups = 1, height = 2, width = 2, plane_stride = 4, row_stride = 2, kernel = [1, 1], stride = [1, 1], dilation = [1, 1]>
}

// -----
// CHECK: Operation does not verify: pqa.lookup uses 'padding', and no region is bound to it
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %t = pqa.allocate : !pqa.region<table, 64>
  %s = pqa.allocate : !pqa.region<accumulator, 16>
  %0 = pqa.lookup codes = %a, table = %t, accumulator = %s <subspaces = 1, prototypes = 4, outputs = 2, output_rows = 2, output_columns = 2, table_bits = 8, from_buffer = 1, groups = 1, height = 2, width = 2, plane_stride = 4, row_stride = 2, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], pad_left = 1>
}

// -----
// CHECK: Operation does not verify: pqa.lookup does not use padding
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %t = pqa.allocate : !pqa.region<table, 64>
  %s = pqa.allocate : !pqa.region<accumulator, 16>
  %0 = pqa.lookup codes = %a, padding = %t, table = %t, accumulator = %s <subspaces = 1, prototypes = 4, outputs = 2, output_rows = 2, output_columns = 2, table_bits = 8, from_buffer = 1, groups = 1, height = 2, width = 2, plane_stride = 4, row_stride = 2, kernel = [1, 1], stride = [1, 1], dilation = [1, 1]>
}

// -----
// CHECK: Operation does not verify: pqa.lookup: groups = 0, allowed is at least 1
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %t = pqa.allocate : !pqa.region<table, 64>
  %s = pqa.allocate : !pqa.region<accumulator, 16>
  %0 = pqa.lookup codes = %a, table = %t, accumulator = %s <subspaces = 1, prototypes = 4, outputs = 2, output_rows = 2, output_columns = 2, table_bits = 8, from_buffer = 1, height = 2, width = 2, plane_stride = 4, row_stride = 2, kernel = [1, 1], stride = [1, 1], dilation = [1, 1]>
}

// -----
// CHECK: Operation does not verify: pqa.lookup: first_subspace = 1 and subspaces = 1, the map and its window have 1
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %t = pqa.allocate : !pqa.region<table, 64>
  %s = pqa.allocate : !pqa.region<accumulator, 16>
  %0 = pqa.lookup codes = %a, table = %t, accumulator = %s <subspaces = 1, prototypes = 4, outputs = 2, output_rows = 2, output_columns = 2, table_bits = 8, from_buffer = 1, groups = 1, height = 2, width = 2, plane_stride = 4, row_stride = 2, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], first_subspace = 1>
}
