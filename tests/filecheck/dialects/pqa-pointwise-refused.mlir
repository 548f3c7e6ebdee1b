// RUN: pqc opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// CHECK: Operation does not verify: pqa.map: entries = 0, allowed is at least 1
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.map source = %a, table = %t, destination = %b <column_stride = 1, planes = 1, rows = 1, columns = 4, entry_bits = 8, entries = 0>
}

// -----
// CHECK: Operation does not verify: pqa.map: entry_bits = 0, allowed is 1 to 8 for a result of ui8
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.map source = %a, table = %t, destination = %b <column_stride = 1, planes = 1, rows = 1, columns = 4, entry_bits = 0, entries = 4>
}

// -----
// CHECK: Operation does not verify: pqa.map: entry_bits = 9, allowed is 1 to 8 for a result of ui8
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.map source = %a, table = %t, destination = %b <column_stride = 1, planes = 1, rows = 1, columns = 4, entry_bits = 9, entries = 4>
}

// -----
// CHECK: Operation does not verify: pqa.map: first = -1 and entries = 4 are a table for -1 to 2, elements are 0 to 255
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.map source = %a, table = %t, destination = %b <column_stride = 1, planes = 1, rows = 1, columns = 4, entry_bits = 8, entries = 4, first = -1>
}

// -----
// CHECK: Operation does not verify: pqa.map: first = 253 and entries = 4 are a table for 253 to 256, elements are 0 to 255
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.map source = %a, table = %t, destination = %b <column_stride = 1, planes = 1, rows = 1, columns = 4, entry_bits = 8, entries = 4, first = 253>
}

// -----
// CHECK: Operation does not verify: table ends at byte 128 of a region of 64 bytes
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.map source = %a, table = %t, destination = %b <column_stride = 1, planes = 1, rows = 1, columns = 4, entry_bits = 8, entries = 128>
}

// -----
// CHECK: Operation does not verify: table ends at byte 128 of a region of 64 bytes
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.map source = %a, table = %t, destination = %b <column_stride = 1, rows = 1, columns = 4, entry_bits = 4, entries = 128, table_per_plane = 1, planes = 2, destination_plane_stride = 4, plane_stride = 4>
}

// -----
// CHECK: Operation does not verify: pqa.map: destination overwrites what source has yet to read
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.map source = %a, table = %t, destination = %a <column_stride = 1, planes = 1, rows = 1, columns = 8, destination_offset = 4, entry_bits = 8, entries = 64>
}

// -----
// CHECK: Operation does not verify: pqa.map: destination_row_stride = 1, allowed is at least 4, the bytes of a row
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.map source = %a, table = %t, destination = %b <column_stride = 1, planes = 1, columns = 4, entry_bits = 8, entries = 4, rows = 2, destination_row_stride = 1>
}

// -----
// CHECK: Operation does not verify: pqa.multiply: low = 0 and high = 256, allowed is 0 <= low <= high <= 255
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.multiply left = %a, right = %a, destination = %b <left_column_stride = 1, right_column_stride = 1, planes = 1, rows = 1, columns = 4, high = 256>
}

// -----
// CHECK: Operation does not verify: pqa.multiply: shift = 41, allowed is at most 40
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.multiply left = %a, right = %a, destination = %b <left_column_stride = 1, right_column_stride = 1, planes = 1, rows = 1, columns = 4, shift = 41>
}

// -----
// CHECK: Operation does not verify: pqa.multiply: destination overwrites what right has yet to read
pqa.program "pqa" accumulator_bits 16 {
  %a = pqa.allocate : !pqa.region<activation, 256>
  %b = pqa.allocate : !pqa.region<activation, 256>
  %t = pqa.allocate : !pqa.region<table, 64>
  %0 = pqa.multiply left = %b, right = %a, destination = %a <left_column_stride = 1, planes = 1, rows = 1, columns = 4, multiplier = 1, high = 255>
}
