// RUN: pqc opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// CHECK: Operation does not verify: accumulator_bits = 7, allowed are 8 to 32
pqa.program "pqa" accumulator_bits 7 {
  %0 = pqa.allocate : !pqa.region<table, 4>
}

// -----
// CHECK: Operation does not verify: accumulator_bits = 33, allowed are 8 to 32
pqa.program "pqa" accumulator_bits 33 {
  %0 = pqa.allocate : !pqa.region<table, 4>
}

// -----
// CHECK: Operation does not verify: Region 'body' at position 0 expected a single block, but got 0 blocks
pqa.program "pqa" accumulator_bits 16 {
}

// -----
// CHECK: Operation does not verify: a program takes i32, it can take tokens alone: its inputs are tensors
pqa.program "pqa" accumulator_bits 16 {
^bb0(%0: i32):
}

// -----
// CHECK: Operation does not verify: func.func is no region and no instruction, it cannot be in a program
pqa.program "pqa" accumulator_bits 16 {
  func.func private @f()
}

// -----
// CHECK: Operation does not verify: pqa.program is no region and no instruction
pqa.program "pqa" accumulator_bits 16 {
  pqa.program "inner" accumulator_bits 16 {
    %0 = pqa.allocate : !pqa.region<table, 4>
  }
}

// -----
// CHECK: Operation does not verify: 'pqa.allocate' expects parent op 'pqa.program'
%0 = pqa.allocate : !pqa.region<table, 4>

// -----
// CHECK: Operation does not verify: 'pqa.fill' expects parent op 'pqa.program'
func.func @f(%0: !pqa.region<activation, 4>) {
  %1 = pqa.fill destination = %0 <planes = 1, rows = 1, columns = 1>
  func.return
}

// -----
// CHECK: Operation does not verify: DRAM holds tensors and constants, a buffer cannot be there
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.allocate : !pqa.region<dram, 4>
}

// -----
// CHECK: Operation does not verify: bytes [-4, 0) of table, allowed are [0, 268435456)
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.allocate at -4 : !pqa.region<table, 4>
}

// -----
// CHECK: Operation does not verify: bytes [268435453, 268435457) of table, allowed are [0, 268435456)
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.allocate at 268435453 : !pqa.region<table, 4>
}

// -----
// CHECK: Operation does not verify: bytes [0, 268435457) of activation, allowed are [0, 268435456)
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.allocate : !pqa.region<activation, 268435457>
}

// -----
// CHECK: Operation does not verify: tensor 'x' is !pqa.region<dram, 4>, it takes !pqa.region<dram, 8>
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.tensor "x" kind 0 <?x4xsi9, 0.5> : !pqa.region<dram, 4>
}

// -----
// CHECK: Operation does not verify: tensor 'x' is !pqa.region<activation, 4>, it takes !pqa.region<dram, 4>
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.tensor "x" kind 0 <?x4xsi8, 0.5> : !pqa.region<activation, 4>
}

// -----
// CHECK: Operation does not verify: kind = 3, allowed are 0 to 2
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.tensor "x" kind 3 <?x4xsi8, 0.5> : !pqa.region<dram, 4>
}

// -----
// CHECK: Operation does not verify: bytes [1099511627774, 1099511627778) of dram, allowed are [0, 1099511627776)
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.tensor "x" kind 0 <?x4xsi8, 0.5> at 1099511627774 : !pqa.region<dram, 4>
}

// -----
// CHECK: Operation does not verify: constant 'bytes' is !pqa.region<dram, 63>, not !pqa.region<dram, 64>
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.constant <"bytes", "dbcc8d49b8efb605"> : !pqa.region<dram, 63>
}

// -----
// CHECK: Operation does not verify: constant 'w' (0123456789abcdef) is not in the folder 'blobs'
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.constant <"w", "0123456789abcdef"> : !pqa.region<dram, 63>
}

// -----
// CHECK: Operation does not verify: pqa.fill has no field 'counts'
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <counts = 4>
}

// -----
// CHECK: Operation does not verify: pqa.fill has no field 'destination'
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4, destination = 4>
}

// -----
// CHECK: Operation does not verify: pqa.fill has no field 'wait', 'opcode'
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4, wait = 1, opcode = 2>
}

// -----
// CHECK: Operation does not verify: pqa.fill has no field 'source_offset'
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4, source_offset = 1>
}

// -----
// CHECK: Operation does not verify: pqa.load has no field 'buffer'
pqa.program "pqa" accumulator_bits 16 {
  %x = pqa.tensor "x" kind 0 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.load dram = %x, address = %a <item_bytes = 4, items = 1, rows = 1, planes = 1, buffer = 1>
}

// -----
// CHECK: a field is named twice
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4, columns = 4>
}

// -----
// CHECK: Operation does not verify: fill.columns = 4294967296 does not fit u32 [0, 4294967295]
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4294967296>
}

// -----
// CHECK: Operation does not verify: fill.columns = -1 does not fit u32
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = -1>
}

// -----
// CHECK: Operation does not verify: fill.destination = -1 does not fit u28
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4, destination_offset = -1>
}

// -----
// CHECK: Operation does not verify: pqa.fill: destination_storage = 4 is not a Storage
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4, destination_storage = 4>
}

// -----
// CHECK: Operation does not verify: pqa.fill: columns = 0, allowed is at least 1
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1>
}

// -----
// CHECK: Operation does not verify: pqa.fill: fill_value = -1, allowed is 0 to 255
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4, fill_value = -1>
}

// -----
// CHECK: Operation does not verify: pqa.rescale: low = 0 and high = 256, allowed is 0 <= low <= high <= 255
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %b = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.rescale source = %a, destination = %b <column_stride = 1, planes = 1, rows = 1, columns = 4, high = 256>
}

// -----
// CHECK: Operation does not verify: pqa.rescale: shift = 41, allowed is at most 40
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %b = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.rescale source = %a, destination = %b <column_stride = 1, planes = 1, rows = 1, columns = 4, shift = 41>
}

// -----
// CHECK: Operation does not verify: pqa.load: entry_bits = 0, allowed is at least 1 for a table
pqa.program "pqa" accumulator_bits 16 {
  %c = pqa.constant <"bytes", "dbcc8d49b8efb605"> : !pqa.region<dram, 64>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.load dram = %c, address = %t <item_bytes = 4, items = 1, rows = 1, planes = 1>
}

// -----
// CHECK: Operation does not verify: pqa.pool: mode = 3 is not a PoolMode
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %b = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.pool source = %a, destination = %b <channels = 1, height = 8, width = 8, plane_stride = 64, row_stride = 8, kernel = [2, 2], stride = [2, 2], dilation = [1, 1], output_rows = 4, output_columns = 4, destination_plane_stride = 16, destination_row_stride = 4, mode = 3>
}

// -----
// CHECK: Operation does not verify: pqa.pool: kernel_height = 0, allowed is at least 1
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %b = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.pool source = %a, destination = %b <channels = 1, height = 8, width = 8, plane_stride = 64, row_stride = 8, kernel_width = 2, stride = [2, 2], dilation = [1, 1], output_rows = 4, output_columns = 4, destination_plane_stride = 16, destination_row_stride = 4>
}

// -----
// CHECK: Operation does not verify: pqa.fill has no address field 'source', allowed are destination
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill source = %a <planes = 1, rows = 1, columns = 4>
}

// -----
// CHECK: an address field is named twice
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %b = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a, destination = %b <planes = 1, rows = 1, columns = 4>
}

// -----
// CHECK: Operation does not verify: pqa.rescale uses 'source', and no region is bound to it
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.rescale destination = %a <column_stride = 1, planes = 1, rows = 1, columns = 4>
}

// -----
// CHECK: Operation does not verify: pqa.load needs an address: the region that it loads to
pqa.program "pqa" accumulator_bits 16 {
  %x = pqa.tensor "x" kind 0 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
  %0 = pqa.load dram = %x <item_bytes = 4, items = 1, rows = 1, planes = 1>
}

// -----
// CHECK: Operation does not verify: destination is in table, it must be in activation
pqa.program "pqa" accumulator_bits 16 {
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.fill destination = %t <planes = 1, rows = 1, columns = 4>
}

// -----
// CHECK: Operation does not verify: pqa.load: buffer = dram, allowed are the on-chip memories
pqa.program "pqa" accumulator_bits 16 {
  %x = pqa.tensor "x" kind 0 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
  %c = pqa.constant <"bytes", "dbcc8d49b8efb605"> : !pqa.region<dram, 64>
  %0 = pqa.load dram = %c, address = %x <item_bytes = 4, items = 1, rows = 1, planes = 1>
}

// -----
// CHECK: Operation does not verify: dram is in activation, it must be in dram
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %b = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.load dram = %a, address = %b <item_bytes = 4, items = 1, rows = 1, planes = 1>
}

// -----
// CHECK: Operation does not verify: destination ends at byte 65 of a region of 64 bytes
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 65>
}

// -----
// CHECK: Operation does not verify: destination ends at byte 66 of a region of 64 bytes
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 32, destination_storage = 2, destination_offset = 2>
}

// -----
// CHECK: Operation does not verify: dram ends at byte 68 of a region of 64 bytes
pqa.program "pqa" accumulator_bits 16 {
  %x = pqa.tensor "x" kind 0 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.load dram = %x, address = %a <item_bytes = 4, items = 1, rows = 1, planes = 2, dram_plane_stride = 64, plane_stride = 4>
}

// -----
// CHECK: Operation does not verify: dram is a constant, it cannot be written
pqa.program "pqa" accumulator_bits 16 {
  %c = pqa.constant <"bytes", "dbcc8d49b8efb605"> : !pqa.region<dram, 64>
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.store dram = %c, address = %a <item_bytes = 4, items = 1, rows = 1, planes = 1>
}

// -----
// CHECK: Operation does not verify: pqa.load writes some bytes of address twice
pqa.program "pqa" accumulator_bits 16 {
  %x = pqa.tensor "x" kind 0 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.load dram = %x, address = %a <item_bytes = 4, items = 1, rows = 1, planes = 2, dram_plane_stride = 4, plane_stride = 2>
}

// -----
// CHECK: Operation does not verify: pqa.rescale: destination overwrites what source has yet to read
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.rescale source = %a, destination = %a <column_stride = 1, planes = 1, rows = 1, columns = 8, destination_offset = 4, high = 255>
}

// -----
// CHECK: Operation does not verify: pqa.pool: destination overwrites what source has yet to read
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.pool source = %a, destination = %a <channels = 1, height = 8, width = 8, plane_stride = 64, row_stride = 8, kernel = [2, 2], stride = [2, 2], dilation = [1, 1], output_rows = 4, output_columns = 4, destination_plane_stride = 16, destination_row_stride = 4, high = 255>
}

// -----
// CHECK: Operation does not verify: pqa.lookup does not use bias
pqa.program "pqa" accumulator_bits 16 {
  %t = pqa.allocate : !pqa.region<table, 64>
  %s = pqa.allocate : !pqa.region<accumulator, 16>
  %0 = pqa.lookup table = %t, bias = %t, accumulator = %s <subspaces = 1, prototypes = 4, outputs = 2, output_rows = 2, output_columns = 2, table_bits = 8>
}

// -----
// CHECK: Operation does not verify: pqa.lookup uses 'bias', and no region is bound to it
pqa.program "pqa" accumulator_bits 16 {
  %t = pqa.allocate : !pqa.region<table, 64>
  %s = pqa.allocate : !pqa.region<accumulator, 16>
  %0 = pqa.lookup table = %t, accumulator = %s <subspaces = 1, prototypes = 4, outputs = 2, output_rows = 2, output_columns = 2, table_bits = 8, first = 1>
}

// -----
// CHECK: Operation does not verify: accumulator ends at byte 32 of a region of 16 bytes
pqa.program "pqa" accumulator_bits 17 {
  %t = pqa.allocate : !pqa.region<table, 64>
  %s = pqa.allocate : !pqa.region<accumulator, 16>
  %0 = pqa.lookup table = %t, accumulator = %s <subspaces = 1, prototypes = 4, outputs = 2, output_rows = 2, output_columns = 2, table_bits = 8>
}

// -----
// CHECK: Operation does not verify: pqa.fill needs one region for each address field, and each field once
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %b = pqa.allocate : !pqa.region<activation, 64>
  %0 = "pqa.fill"(%a, %b) <{bound = ["destination", "destination"], fields = #pqa.fields<planes = 1, rows = 1, columns = 4>, operandSegmentSizes = array<i32: 2, 0>}> : (!pqa.region<activation, 64>, !pqa.region<activation, 64>) -> !pqa.token
}

// -----
// CHECK: Operation does not verify: pqa.fill needs one region for each address field, and each field once
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = "pqa.fill"(%a) <{bound = [], fields = #pqa.fields<planes = 1, rows = 1, columns = 4>, operandSegmentSizes = array<i32: 1, 0>}> : (!pqa.region<activation, 64>) -> !pqa.token
}

// -----
// CHECK: Operation does not verify: pqa.fill uses 'destination', and no region is bound to it
pqa.program "pqa" accumulator_bits 16 {
  %0 = "pqa.fill"() <{bound = [], fields = #pqa.fields<planes = 1, rows = 1, columns = 4>, operandSegmentSizes = array<i32: 0, 0>}> : () -> !pqa.token
}

// -----
// CHECK: Operation does not verify: property 'fields' expected
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = "pqa.fill"(%a) <{bound = ["destination"], operandSegmentSizes = array<i32: 1, 0>}> : (!pqa.region<activation, 64>) -> !pqa.token
}

// CHECK-NOT: {{^}}builtin.module

// -----
// CHECK: %a is not defined before its use
pqa.program "pqa" accumulator_bits 16 {
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4>
  %a = pqa.allocate : !pqa.region<activation, 64>
}

// -----
// CHECK: %later is not defined before its use
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4> after (%later)
  %later = pqa.fill destination = %a <planes = 1, rows = 1, columns = 4>
}

// -----
// CHECK: kernel has 3 values, allowed are [height, width] or one number
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 64>
  %0 = pqa.pool source = %a, destination = %a <kernel = [1, 1, 1]>
}
