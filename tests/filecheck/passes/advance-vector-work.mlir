// RUN: pqc opt %s -p advance-vector-work | filecheck %s
// RUN: pqc opt %s -p advance-vector-work,advance-vector-work | filecheck %s

// What reads the second tile stands right behind what writes it, with its buffer in front of it. What reads the first
// tile must wait until that is written again, and what overwrites it until it is read.
// CHECK: %x = pqa.allocate
// CHECK-NEXT: %tile_a = pqa.requantize
// CHECK-NEXT: %tile_b = pqa.requantize
// CHECK-NEXT: %y = pqa.allocate
// CHECK-NEXT: %second = pqa.rescale source = %x, destination = %y <{{.*}}source_offset = 16,
// CHECK-NEXT: %again = pqa.requantize
// CHECK-NEXT: %first = pqa.rescale source = %x,
// CHECK-NEXT: %clash = pqa.rescale source = %y, destination = %x
// CHECK-NEXT: }

builtin.module {
  pqa.program "pqa" accumulator_bits 16 {
    %sums = pqa.allocate : !pqa.region<accumulator, 32>
    %parameters = pqa.allocate : !pqa.region<table, 8>
    %x = pqa.allocate : !pqa.region<activation, 32>
    %tile_a = pqa.requantize accumulator = %sums, parameters = %parameters, destination = %x <outputs = 1, rows = 4, columns = 4, destination_offset = 0, high = 255, destination_plane_stride = 16, destination_row_stride = 4> : !pqa.region<accumulator, 32>, !pqa.region<table, 8>, !pqa.region<activation, 32>
    %tile_b = pqa.requantize accumulator = %sums, parameters = %parameters, destination = %x <outputs = 1, rows = 4, columns = 4, destination_offset = 16, high = 255, destination_plane_stride = 16, destination_row_stride = 4> : !pqa.region<accumulator, 32>, !pqa.region<table, 8>, !pqa.region<activation, 32>
    %again = pqa.requantize accumulator = %sums, parameters = %parameters, destination = %x <outputs = 1, rows = 4, columns = 4, destination_offset = 0, high = 255, destination_plane_stride = 16, destination_row_stride = 4> : !pqa.region<accumulator, 32>, !pqa.region<table, 8>, !pqa.region<activation, 32>
    %y = pqa.allocate : !pqa.region<activation, 32>
    %second = pqa.rescale source = %x, destination = %y <column_stride = 1, source_offset = 16, destination_offset = 16, multiplier = 1, high = 255, planes = 1, rows = 1, columns = 16> : !pqa.region<activation, 32>, !pqa.region<activation, 32>
    %first = pqa.rescale source = %x, destination = %y <column_stride = 1, source_offset = 0, destination_offset = 0, multiplier = 1, high = 255, planes = 1, rows = 1, columns = 16> : !pqa.region<activation, 32>, !pqa.region<activation, 32>
    %clash = pqa.rescale source = %y, destination = %x <column_stride = 1, source_offset = 16, destination_offset = 0, multiplier = 1, high = 255, planes = 1, rows = 1, columns = 16> : !pqa.region<activation, 32>, !pqa.region<activation, 32>
  }
}
