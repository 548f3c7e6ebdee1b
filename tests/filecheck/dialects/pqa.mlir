// RUN: pqc opt %s --print-debuginfo | filecheck %s
// RUN: pqc opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC
// RUN: pqc opt %s -p canonicalize,cse,dce | filecheck %s --check-prefix=KEPT

// CHECK: #conv1 = loc(fused["conv1", "relu1"])
// CHECK: attributes {fields = #pqa.fields<>, more = #pqa.fields<count = 4, low = -8>}
builtin.module attributes {fields = #pqa.fields<>, more = #pqa.fields<count = 4, low = -8>} {
// CHECK: pqa.program "pqa" accumulator_bits 16 attributes {note} {
pqa.program "pqa" accumulator_bits 16 attributes {note} {
  // Regions, without an address and with one.
  // CHECK: %x = pqa.tensor "x" kind 0 <?x2x8x8xui8, 0.5> {note} : !pqa.region<dram, 128> loc("x")
  %x = pqa.tensor "x" kind 0 <?x2x8x8xui8, 0.5> {note} : !pqa.region<dram, 128> loc("x")
  // CHECK: %y = pqa.tensor "y" kind 1 <?x3x8x8xsi12, 0.5> at 4096 : !pqa.region<dram, 384>
  %y = pqa.tensor "y" kind 1 <?x3x8x8xsi12, 0.5> at 4096 : !pqa.region<dram, 384>
  // CHECK: %c = pqa.constant <"bytes", "dbcc8d49b8efb605"> at 0 {note} : !pqa.region<dram, 64>
  %c = pqa.constant <"bytes", "dbcc8d49b8efb605"> at 0 {note} : !pqa.region<dram, 64>
  // CHECK: %tile = pqa.allocate at 64 {note} : !pqa.region<activation, 256>
  %tile = pqa.allocate at 64 {note} : !pqa.region<activation, 256>
  // CHECK: %book = pqa.allocate : !pqa.region<codebook, 72>
  %book = pqa.allocate : !pqa.region<codebook, 72>
  %table = pqa.allocate : !pqa.region<table, 64>
  %sums = pqa.allocate : !pqa.region<accumulator, 768>
  %out = pqa.allocate : !pqa.region<activation, 384>

  // Instructions: regions by field, the other fields, tokens.
  // CHECK: %0 = pqa.load dram = %x, address = %tile <item_bytes = 128, items = 1, rows = 1, planes = 1, entry_bits = 8> {note} loc("conv1")
  %0 = pqa.load dram = %x, address = %tile <item_bytes = 128, items = 1, rows = 1, planes = 1, entry_bits = 8> {note} loc("conv1")
  // CHECK: %1 = pqa.load dram = %c, address = %table <dram_offset = 4, address_offset = 8, item_bytes = 8, items = 2, rows = 1, planes = 3, dram_item_stride = 8, item_stride = 8, plane_stride = 16, entry_bits = 8>
  %1 = pqa.load dram = %c, address = %table <item_bytes = 8, items = 2, rows = 1, planes = 3, dram_row_stride = 0, dram_item_stride = 8, item_stride = 8, plane_stride = 16, dram_offset = 4, address_offset = 8, entry_bits = 8>
  // CHECK: %2 = pqa.encode source = %tile, codebook = %book <channels = 2, {{.*}}> after (%0) loc(#conv1)
  %2 = pqa.encode source = %tile, codebook = %book <channels = 2, height = 8, width = 8, plane_stride = 64, row_stride = 8, kernel = [3, 3], stride = [1, 1], dilation = [1, 1], pad_top = 1, pad_left = 1, output_rows = 8, output_columns = 8, subspaces = 2, prototypes = 4, length = 9, prototype_bits = 8, metric = 1> after (%0) loc(fused["conv1", "relu1"])
  // CHECK: %3 = pqa.lookup table = %table, bias = %table, accumulator = %sums <bias_offset = 24, subspaces = 2, prototypes = 4, outputs = 3, output_rows = 8, output_columns = 8, table_bits = 8, first = 1> after (%1, %2) {note}
  %3 = pqa.lookup table = %table, bias = %table, accumulator = %sums <subspaces = 2, prototypes = 4, outputs = 3, output_rows = 8, output_columns = 8, table_bits = 8, bias_offset = 24, first = 1> after (%1, %2) {note}
  // CHECK: %4 = pqa.convolve source = %tile, weights = %table, accumulator = %sums <
  %4 = pqa.convolve source = %tile, weights = %table, accumulator = %sums <channels = 2, height = 8, width = 8, plane_stride = 64, row_stride = 8, kernel = [3, 3], stride = [1, 1], dilation = [1, 1], pad_top = 1, pad_left = 1, output_rows = 8, output_columns = 8, groups = 1, outputs = 3, weight_bits = 8>
  // CHECK: %5 = pqa.requantize accumulator = %sums, parameters = %table, residual = %out, destination = %out <
  %5 = pqa.requantize accumulator = %sums, parameters = %table, residual = %out, destination = %out <outputs = 3, rows = 8, columns = 8, has_residual = 1, residual_storage = 3, residual_plane_stride = 128, residual_row_stride = 16, destination_storage = 3, destination_plane_stride = 128, destination_row_stride = 16, low = -2048, high = 2047> after (%3, %4)
  // CHECK: %6 = pqa.store dram = %y, address = %out <
  %6 = pqa.store dram = %y, address = %out <item_bytes = 384, items = 1, rows = 1, planes = 1> after (%5)
  // CHECK: %7 = pqa.add left = %tile, right = %tile, destination = %out <
  %7 = pqa.add left = %tile, right = %tile, destination = %out <right_storage = 1, planes = 1, rows = 1, columns = 128, left_multiplier = 16384, right_multiplier = -16384, shift = 14, high = 255>
  // CHECK: %8 = pqa.rescale source = %tile, destination = %tile <
  %8 = pqa.rescale source = %tile, destination = %tile <column_stride = 1, planes = 1, rows = 1, columns = 128, multiplier = 3, shift = 2, high = 255>
  // CHECK: %9 = pqa.pool source = %tile, destination = %tile <
  %9 = pqa.pool source = %tile, destination = %tile <channels = 2, height = 8, width = 8, plane_stride = 64, row_stride = 8, kernel = [2, 2], stride = [2, 2], dilation = [1, 1], output_rows = 4, output_columns = 4, destination_plane_stride = 16, destination_row_stride = 4, destination_offset = 128, high = 255>
  // CHECK: %10 = pqa.fill destination = %out <destination_storage = 1, planes = 1, rows = 1, columns = 4, fill_value = -128>
  %10 = pqa.fill destination = %out <destination_storage = 1, planes = 1, rows = 1, columns = 4, fill_value = -128>

  // Codes through the activation buffer: a map that one writes and the other reads through a window.
  // CHECK: %11 = pqa.encode source = %tile, codebook = %book, destination = %tile <channels = 2, {{.*}}to_buffer = 1, destination_offset = 128, code_plane_stride = 64, code_row_stride = 8>
  %11 = pqa.encode source = %tile, codebook = %book, destination = %tile <channels = 2, height = 8, width = 8, plane_stride = 64, row_stride = 8, kernel = [3, 3], stride = [1, 1], dilation = [1, 1], pad_top = 1, pad_left = 1, output_rows = 8, output_columns = 8, subspaces = 2, prototypes = 4, length = 9, prototype_bits = 8, to_buffer = 1, destination_offset = 128, code_plane_stride = 64, code_row_stride = 8>
  // CHECK: %12 = pqa.lookup codes = %tile, padding = %table, table = %table, accumulator = %sums <subspaces = 4, {{.*}}first_subspace = 2> after (%11)
  %12 = pqa.lookup codes = %tile, padding = %table, table = %table, accumulator = %sums <subspaces = 4, prototypes = 4, outputs = 3, output_rows = 8, output_columns = 8, table_bits = 8, from_buffer = 1, codes_offset = 128, groups = 2, height = 8, width = 8, plane_stride = 64, row_stride = 8, kernel = [1, 3], stride = [1, 1], dilation = [1, 1], pad_left = 1, padding_offset = 60, first_subspace = 2> after (%11)

  // Functions by tables, and products with an operand that is the same for all elements.
  // CHECK: %13 = pqa.map source = %tile, table = %table, destination = %tile <column_stride = 1, entry_bits = 4, entries = 16, destination_offset = 128, planes
  %13 = pqa.map source = %tile, table = %table, destination = %tile <column_stride = 1, entry_bits = 4, first = 0, entries = 16, destination_offset = 128, planes = 1, rows = 1, columns = 128>
  // CHECK: %14 = pqa.multiply left = %tile, right = %tile, destination = %tile <
  %14 = pqa.multiply left = %tile, right = %tile, destination = %tile <left_column_stride = 1, right_offset = 200, planes = 1, rows = 1, columns = 128, multiplier = 3, shift = 2, high = 255>
}
}

// GENERIC: "pqa.encode"(%tile, %book, %0) <{bound = ["source", "codebook"], fields = #pqa.fields<channels = 2

// Instructions have effects: none is removed, moved or merged.
// KEPT-COUNT-15: {{= pqa.(load|encode|lookup|convolve|requantize|store|add|rescale|pool|fill|map|multiply) }}
