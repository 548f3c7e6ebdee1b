// RUN: pqc opt %s -p advance-vector-work --split-input-file | filecheck %s
// RUN: pqc opt %s -p advance-vector-work,advance-vector-work --split-input-file | filecheck %s

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

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  pqa.program "pqa" accumulator_bits 16 {
    %sums = pqa.allocate : !pqa.region<accumulator, 32>
    %parameters = pqa.allocate : !pqa.region<table, 8>
    %x = pqa.allocate : !pqa.region<activation, 32>
    %tile_a = pqa.requantize accumulator = %sums, parameters = %parameters, destination = %x <outputs = 1, rows = 4, columns = 4, destination_offset = 0, high = 255, destination_plane_stride = 16, destination_row_stride = 4>
    %tile_b = pqa.requantize accumulator = %sums, parameters = %parameters, destination = %x <outputs = 1, rows = 4, columns = 4, destination_offset = 16, high = 255, destination_plane_stride = 16, destination_row_stride = 4>
    %again = pqa.requantize accumulator = %sums, parameters = %parameters, destination = %x <outputs = 1, rows = 4, columns = 4, destination_offset = 0, high = 255, destination_plane_stride = 16, destination_row_stride = 4>
    %y = pqa.allocate : !pqa.region<activation, 32>
    %second = pqa.rescale source = %x, destination = %y <column_stride = 1, source_offset = 16, destination_offset = 16, multiplier = 1, high = 255, planes = 1, rows = 1, columns = 16>
    %first = pqa.rescale source = %x, destination = %y <column_stride = 1, source_offset = 0, destination_offset = 0, multiplier = 1, high = 255, planes = 1, rows = 1, columns = 16>
    %clash = pqa.rescale source = %y, destination = %x <column_stride = 1, source_offset = 16, destination_offset = 0, multiplier = 1, high = 255, planes = 1, rows = 1, columns = 16>
  }
}

// -----

// A store comes along with what it stores, and the loads of what follows stand behind it.
// CHECK: %load0 = pqa.load
// CHECK: %rescale0 = pqa.rescale
// CHECK-NEXT: %store0 = pqa.store
// CHECK: %load1 = pqa.load
// CHECK: %rescale1 = pqa.rescale
// CHECK-NEXT: %store1 = pqa.store

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  pqa.program "pqa" accumulator_bits 16 {
    %x = pqa.tensor "x" kind 0 <?x96xui8, 0.5> : !pqa.region<dram, 96>
    %y = pqa.tensor "y" kind 1 <?x96xui8, 0.5> : !pqa.region<dram, 96>
    %x0 = pqa.allocate : !pqa.region<activation, 48>
    %load0 = pqa.load dram = %x, address = %x0 <item_bytes = 48, items = 1, rows = 1, planes = 1, dram_offset = 0, entry_bits = 8>
    %x1 = pqa.allocate : !pqa.region<activation, 48>
    %load1 = pqa.load dram = %x, address = %x1 <item_bytes = 48, items = 1, rows = 1, planes = 1, dram_offset = 48, entry_bits = 8>
    %y0 = pqa.allocate : !pqa.region<activation, 48>
    %rescale0 = pqa.rescale source = %x0, destination = %y0 <column_stride = 1, multiplier = 1, high = 255, planes = 1, rows = 1, columns = 48>
    %store0 = pqa.store dram = %y, address = %y0 <item_bytes = 48, items = 1, rows = 1, planes = 1, dram_offset = 0>
    %y1 = pqa.allocate : !pqa.region<activation, 48>
    %rescale1 = pqa.rescale source = %x1, destination = %y1 <column_stride = 1, multiplier = 1, high = 255, planes = 1, rows = 1, columns = 48>
    %store1 = pqa.store dram = %y, address = %y1 <item_bytes = 48, items = 1, rows = 1, planes = 1, dram_offset = 48>
  }
}

// -----

// The buffer has room for two of the three at a time. In front of the second load the result would live beside both
// operands, so that all stays as it is.
// CHECK: %x1 = pqa.allocate
// CHECK-NEXT: %load1 = pqa.load
// CHECK-NEXT: %encode_x1 = pqa.encode
// CHECK-NEXT: %y = pqa.allocate
// CHECK-NEXT: %rescale = pqa.rescale

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 0.125 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  pqa.program "pqa" accumulator_bits 16 {
    %x = pqa.tensor "x" kind 0 <?x96xui8, 0.5> : !pqa.region<dram, 96>
    %codebook = pqa.allocate : !pqa.region<codebook, 2>
    %x0 = pqa.allocate : !pqa.region<activation, 48>
    %load0 = pqa.load dram = %x, address = %x0 <item_bytes = 48, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %x1 = pqa.allocate : !pqa.region<activation, 48>
    %load1 = pqa.load dram = %x, address = %x1 <dram_offset = 48, item_bytes = 48, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %encode_x1 = pqa.encode source = %x1, codebook = %codebook <channels = 1, height = 4, width = 12, plane_stride = 48, row_stride = 12, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 4, output_columns = 12, subspaces = 1, prototypes = 2, length = 1, prototype_bits = 8>
    %y = pqa.allocate : !pqa.region<activation, 48>
    %rescale = pqa.rescale source = %x0, destination = %y <column_stride = 1, planes = 1, rows = 1, columns = 48, multiplier = 1, high = 255>
    %encode_x0 = pqa.encode source = %x0, codebook = %codebook <channels = 1, height = 4, width = 12, plane_stride = 48, row_stride = 12, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 4, output_columns = 12, subspaces = 1, prototypes = 2, length = 1, prototype_bits = 8>
    %encode_y = pqa.encode source = %y, codebook = %codebook <channels = 1, height = 4, width = 12, plane_stride = 48, row_stride = 12, kernel = [1, 1], stride = [1, 1], dilation = [1, 1], output_rows = 4, output_columns = 12, subspaces = 1, prototypes = 2, length = 1, prototype_bits = 8>
  }
}

// -----

// What depends on nothing waits for what needs it.
// CHECK: %load = pqa.load
// CHECK: %rescale = pqa.rescale
// CHECK-NEXT: %store1 = pqa.store dram = %y1, address = %r
// CHECK-NEXT: %fill = pqa.fill destination = %zeros
// CHECK-NEXT: %store0 = pqa.store dram = %y0, address = %zeros

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  pqa.program "pqa" accumulator_bits 16 {
    %input = pqa.tensor "x" kind 0 <?x48xui8, 0.5> : !pqa.region<dram, 48>
    %y0 = pqa.tensor "y0" kind 1 <?x48xui8, 0.5> : !pqa.region<dram, 48>
    %y1 = pqa.tensor "y1" kind 1 <?x48xui8, 0.5> : !pqa.region<dram, 48>
    %zeros = pqa.allocate : !pqa.region<activation, 48>
    %fill = pqa.fill destination = %zeros <planes = 1, rows = 1, columns = 48>
    %x = pqa.allocate : !pqa.region<activation, 48>
    %load = pqa.load dram = %input, address = %x <item_bytes = 48, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %r = pqa.allocate : !pqa.region<activation, 48>
    %rescale = pqa.rescale source = %x, destination = %r <column_stride = 1, planes = 1, rows = 1, columns = 48, multiplier = 1, high = 255>
    %store1 = pqa.store dram = %y1, address = %r <item_bytes = 48, items = 1, rows = 1, planes = 1>
    %store0 = pqa.store dram = %y0, address = %zeros <item_bytes = 48, items = 1, rows = 1, planes = 1>
  }
}
